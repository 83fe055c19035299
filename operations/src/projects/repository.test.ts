import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { checkedBranch, checkedRepoUrl, isSameRepository } from './repository.ts';

describe('the address of a repository', () => {
  for (const url of [
    'https://github.com/acme/shop',
    'https://git.acme.dev:8443/shop.git',
    'ssh://git@github.com:22/acme/shop',
    'git@github.com:acme/shop.git',
  ]) {
    it(`may be ${url}`, () => assert.equal(checkedRepoUrl(` ${url} `, { localSources: false }), url));
  }

  for (const url of ['file:///srv/shop', '/srv/shop', 'http://127.0.0.1:3000/shop.git']) {
    it(`may be ${url} where the operator allows local sources only`, () => {
      assert.equal(checkedRepoUrl(url, { localSources: true }), url);
      assert.throws(() => checkedRepoUrl(url, { localSources: false }), { code: 'source_refused' });
    });
  }

  for (const url of [
    '',
    '--upload-pack=touch /tmp/x',
    '-oProxyCommand=x@host:path',
    'https://user:secret@github.com/acme/shop',
    'https://token@github.com/acme/shop',
    'ssh://git:secret@host/x',
    'ssh://-oProxyCommand=x/y',
    'git@-host:x',
    'git@host:-x',
    'https://github.com',
    'https://github.com/a?token=x',
    'http://github.com/acme/shop',
    'ext::sh -c id',
    'git://host/x',
    'file://host/share',
    'relative/path',
    '../shop',
    'https://host/a b',
    'https://host/a\nb',
  ]) {
    it(`is never ${JSON.stringify(url)}`, () => {
      assert.throws(() => checkedRepoUrl(url, { localSources: true }), { code: 'source_refused' });
    });
  }

  it('does not repeat credentials in what it says', () => {
    assert.throws(
      () => checkedRepoUrl('https://user:hunter2@host/x', { localSources: false }),
      (error: Error) => !error.message.includes('hunter2'),
    );
  });

  it('is the same with and without .git', () => {
    assert.ok(isSameRepository('https://h/a.git', 'https://h/a/'));
    assert.ok(!isSameRepository('https://h/a', 'https://h/b'));
  });
});

describe('a branch', () => {
  for (const name of ['main', 'feature/a-b_c.1', 'v1.0'])
    it(`may be ${name}`, () => assert.equal(checkedBranch(name), name));

  for (const name of ['', '-x', 'a..b', 'a b', 'a~1', 'x.lock', '/a', 'a/', '@{1}', 'a//b', '@']) {
    it(`is never "${name}"`, () => assert.throws(() => checkedBranch(name), { code: 'request_invalid' }));
  }
});

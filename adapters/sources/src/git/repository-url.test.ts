import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { gitConfig } from './access.ts';
import { gitFailure, tidyGit } from './failure.ts';
import { parseRepositoryUrl } from './repository-url.ts';

describe('a repository URL', () => {
  it('may be https, ssh or the short form of ssh', () => {
    const read = (text: string) => {
      const { kind, url, host, port } = parseRepositoryUrl(text, false);
      return [kind, url, host, port];
    };

    assert.deepEqual(read('https://h.example/a/b.git'), ['https', 'https://h.example/a/b.git', 'h.example', '443']);
    assert.deepEqual(read('ssh://git@h.example:2222/a'), ['ssh', 'ssh://git@h.example:2222/a', 'h.example', '2222']);
    assert.deepEqual(read('git@h.example:a/b.git'), ['ssh', 'git@h.example:a/b.git', 'h.example', null]);
  });

  it('may be a path or file URL, or plain HTTP to this machine, only where that is allowed', () => {
    for (const text of ['/srv/a.git', 'file:///srv/a.git', 'http://127.0.0.1:3000/a.git', 'http://localhost/a']) {
      assert.ok(parseRepositoryUrl(text, true));
      assert.throws(() => parseRepositoryUrl(text, false), { code: 'source_refused' });
    }
    assert.throws(() => parseRepositoryUrl('http://h.example/a.git', true), { code: 'source_refused' });
  });

  it('loses its credentials on the way to git and to people', () => {
    const { url, shown, embedded } = parseRepositoryUrl('https://user:p%40ss@h.example/a', false);

    assert.equal(url, 'https://h.example/a');
    assert.equal(shown, 'https://***@h.example/a');
    assert.deepEqual(embedded, { username: 'user', password: 'p@ss' });
    assert.equal(parseRepositoryUrl('ssh://git:secret@h.example/a', false).shown, 'ssh://git@h.example/a');
  });

  for (const text of [
    ...[
      '-oProxyCommand=id',
      'ssh://-oProxyCommand=id/a',
      'ssh://-x@h/a',
      'git@h.example:-x',
      'git@-h:x',
      'ext::sh -c id',
    ],
    ...['https://h/a\u0000b', 'relative/path', 'javascript:alert(1)', 'git+ssh://h/a', 'https:h', 'x::y'],
  ])
    it(`is not ${JSON.stringify(text)}`, () => {
      if (text === 'https:h') return assert.equal(parseRepositoryUrl(text, false).url, 'https://h/');
      assert.throws(() => parseRepositoryUrl(text, false), { code: 'source_refused' });
    });

  it('is used with the addresses that were checked', () => {
    const url = parseRepositoryUrl('https://h.example:8443/a', false);

    assert.match(gitConfig(url, ['1.2.3.4', '2606::1']), /curloptResolve = "h\.example:8443:1\.2\.3\.4,\[2606::1\]"/);
    assert.doesNotMatch(gitConfig(url, []), /curloptResolve/);
  });
});

describe("git's errors", () => {
  const cases = [
    ["fatal: could not read Username for 'https://github.com': terminal prompts disabled", 'auth'],
    ['git@github.com: Permission denied (publickey).\nfatal: Could not read from remote repository.', 'auth'],
    ["fatal: unable to access 'https://h/': The requested URL returned error: 403", 'auth'],
    ["fatal: unable to access 'https://h/': Could not resolve host: h", 'unreachable'],
    ['ssh: connect to host h port 22: Connection refused', 'unreachable'],
    ["remote: Repository not found.\nfatal: repository 'https://h/a/' not found", 'unknown_repository'],
    ["fatal: '/x' does not appear to be a git repository", 'unknown_repository'],
    ['fatal: remote error: upload-pack: not our ref aaaa', 'unknown_commit'],
    ["fatal: unable to access 'https://h/': The requested URL returned error: 301", 'redirected'],
    ['error: unable to write file: No space left on device', 'no_space'],
    ['fatal: something new', 'other'],
  ] as const;
  for (const [text, cause] of cases)
    it(`tell ${cause}: ${text.slice(0, 60)}`, () => {
      assert.equal(gitFailure(text), cause);
    });

  it('are shown without secrets, prefixes and our directories', () => {
    const text = tidyGit("fatal: unable to access 'https://me:t0p%2Fs@h/a': no t0p/s in /work/git-1/x\n", {
      secrets: ['t0p/s'],
      directory: '/work/git-1',
    });

    assert.equal(text, "unable to access 'https://***@h/a': no *** in /x");
  });
});

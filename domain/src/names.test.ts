import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { buildFailure, formatBuildFailure } from './build-failure.ts';
import { configurationOf } from './environment.ts';
import { encodeId, isId, uuidV7 } from './id.ts';
import { formatImageReference, isDigest, isGitSha, parseImageReference, versionTag } from './image-ref.ts';
import { dependenciesOf, type Service, secretNamesIn, startOrder } from './manifest.ts';
import { grantRegistryScopes, parseRegistryScope } from './registry-grant.ts';
import { highestVersion, nextVersion, parseVersion, versionBump } from './release.ts';
import { maskSecret } from './secret.ts';
import { serviceLabel } from './service-address.ts';

const digest = `sha256:${'a'.repeat(64)}`;

describe('an image reference', () => {
  for (const [text, full] of Object.entries({
    node: 'docker.io/library/node',
    'acme/web:1.2': 'docker.io/acme/web:1.2',
    'ghcr.io/acme/web': 'ghcr.io/acme/web',
    'localhost/web:x': 'localhost/web:x',
    'localhost:5000/a/b/c:tag': 'localhost:5000/a/b/c:tag',
    [`web:1@${digest}`]: `docker.io/library/web@${digest}`,
  })) {
    it(`${text} is ${full}`, () => {
      const parsed = parseImageReference(text);
      assert.equal(parsed && formatImageReference(parsed), full);
    });
  }

  it('is not made of anything else', () => {
    for (const text of ['', 'Web', 'a//b', 'a:', 'https://a/b', 'a@sha256:1', '-a', 'a b'])
      assert.equal(parseImageReference(text), null, text);
  });

  it('has digests and commit ids of one form', () => {
    assert.ok(isDigest(digest) && !isDigest(digest.toUpperCase()) && !isDigest('a'.repeat(64)));
    assert.ok(isGitSha('a'.repeat(40)) && !isGitSha('a'.repeat(39)) && !isGitSha('A'.repeat(40)));
    assert.equal(versionTag('1.0.0+build.7'), 'v1.0.0_build.7');
  });
});

describe('a version', () => {
  it('rises by what the commits say', () => {
    const after = (previous: string | null, ...messages: string[]) => nextVersion(previous, versionBump(messages));

    assert.equal(after(null, 'feat: x'), '0.1.0');
    assert.equal(after('1.2.3'), '1.2.4');
    assert.equal(after('1.2.3', 'fix: x'), '1.2.4');
    assert.equal(after('1.2.3', 'fix: x', 'feat(api): y'), '1.3.0');
    assert.equal(after('1.2.3', 'feat: y', 'refactor(api)!: z'), '2.0.0');
    assert.equal(after('1.2.3', 'fix: x\n\nBREAKING CHANGE: y'), '2.0.0');
    assert.equal(after('1.2.3', 'fix: x\n\nsome words\nBREAKING-CHANGE: y'), '2.0.0');
    assert.equal(after('1.2.3', 'docs: how a BREAKING CHANGE is written'), '1.2.4');
    assert.equal(after('1.2.3', 'fix: x\n\nfeat: not the subject'), '1.2.4');
    assert.equal(after('1.2.3+build.7', 'Feat: x'), '1.3.0');
  });

  it('becomes 1.0.0 and leaves a pre-release only by what a person says', () => {
    assert.equal(nextVersion('0.4.2', 'major'), '0.5.0');
    assert.equal(nextVersion('0.4.2', 'minor'), '0.5.0');
    assert.equal(nextVersion('0.4.2', 'patch'), '0.4.3');
    assert.equal(nextVersion('1.0.0-beta.1', 'major'), '1.0.0-beta.2');
    assert.equal(nextVersion('1.0.0-rc', 'patch'), '1.0.0-rc.0');
  });

  it('is read with or without v, and compared as numbers', () => {
    assert.equal(parseVersion('v1.0.0-beta.1'), '1.0.0-beta.1');
    assert.equal(parseVersion('1.0.0+build.7'), '1.0.0+build.7');
    assert.equal(parseVersion('1.0'), null);
    const all = ['1.9.0', null, '1.10.0', '1.10.0-rc.1'].map((version) => ({ version }));
    assert.equal(highestVersion(all)?.version, '1.10.0');
    assert.equal(highestVersion([{ version: null }]), null);
  });
});

describe('the start order', () => {
  const service = (name: string, ...on: string[]) =>
    ({ name, dependsOn: on.map((other) => ({ service: other, condition: 'started' })) }) as unknown as Service; // only what is read

  it('puts each service behind what it depends on', () => {
    const groups = startOrder([service('web', 'api'), service('api', 'db'), service('db'), service('jobs', 'db')]);
    assert.deepEqual(
      groups.map((group) => group.map(({ name }) => name)),
      [['db'], ['api', 'jobs'], ['web']],
    );
  });

  it('ends also where services depend on each other', () => {
    assert.equal(startOrder([service('a', 'b'), service('b', 'a')]).flat().length, 2);
  });

  it('knows what a service depends on, at any distance and in circles too', () => {
    const services = [service('web', 'api', 'elsewhere'), service('api', 'db'), service('db', 'web'), service('jobs')];
    assert.deepEqual([...dependenciesOf('web', services)], ['api', 'db', 'elsewhere']);
    assert.deepEqual([...dependenciesOf('jobs', services)], []);
  });
});

describe('values', () => {
  it('name their secrets, unless two dollar signs stand for one', () => {
    assert.deepEqual(
      [...secretNamesIn([`\${secret.A}-\${secret.B_2}`, `$\${secret.C}`, `$$\${secret.D}`, `\${OTHER}`])],
      ['A', 'B_2', 'D'],
    );
  });

  it('of a service win over those of all', () => {
    const values = { '*': { A: { plain: '1' }, B: { plain: '1' } }, web: { B: { plain: '2' } } };
    // Only what is read.
    const version = { values } as unknown as Parameters<typeof configurationOf>[0];
    assert.deepEqual(configurationOf(version, 'web'), { A: { plain: '1' }, B: { plain: '2' } });
  });

  it('are masked so that short ones tell nothing', () => {
    assert.deepEqual(['a', 'abcd', 'abcdefghijkl'].map(maskSecret), ['*', 'a**d', 'abcd****ijkl']);
  });
});

describe('a service label', () => {
  const owner = { environment: 'staging', project: 'shop', organisation: null };

  it('names service, environment and project', () => {
    assert.equal(serviceLabel({ ...owner, service: 'web' }), 'web--staging--shop');
    assert.equal(serviceLabel({ ...owner, service: 'My_API', organisation: 'acme' }), 'my-api--staging--shop--acme');
  });

  it('is one DNS label however long the names are', () => {
    const longest = 'x'.repeat(20);
    const label = serviceLabel({
      service: `${'s'.repeat(5)}-${'y'.repeat(80)}`,
      environment: longest,
      project: longest,
      organisation: null,
    });
    assert.ok(label.length <= 63 && /^[a-z0-9]([a-z0-9-]*[a-z0-9])$/.test(label), label);
  });
});

describe('a registry grant', () => {
  const asked = ['repository:acme/shop/web:pull,push', 'repository:acme/shopping/web:pull', 'registry:catalog:*']
    .map(parseRegistryScope)
    .filter((scope) => scope !== null);

  it('is the part that is both asked for and owned', () => {
    assert.deepEqual(grantRegistryScopes(asked, [{ prefix: 'acme/shop/', actions: ['pull'] }]), [
      { type: 'repository', name: 'acme/shop/web', actions: ['pull'] },
    ]);
    assert.deepEqual(grantRegistryScopes(asked, []), []);
  });

  it('is asked for by name and actions', () => {
    assert.deepEqual(parseRegistryScope('repository:host:5000/a:pull'), {
      type: 'repository',
      name: 'host:5000/a',
      actions: ['pull'],
    });
    for (const text of ['', 'repository', 'repository:a', 'repository:a:', ':a:pull'])
      assert.equal(parseRegistryScope(text), null, text);
  });
});

describe('an id', () => {
  it('sorts by time and is known by its prefix', () => {
    const random = new Uint8Array(10).fill(255);
    const [early, late] = [encodeId('bld', uuidV7(1_000, random)), encodeId('bld', uuidV7(1_001, new Uint8Array(10)))];
    assert.ok(early < late);
    assert.ok(
      isId('bld', early) && !isId('rel', early) && !isId('bld', `${early}0`) && !isId('bld', early.toUpperCase()),
    );
  });
});

describe('a build failure', () => {
  it('shows its last lines under their count, at most thirty', () => {
    const failure = buildFailure('build_error', 'failed', {
      tail: Array.from({ length: 40 }, (_, index) => `line ${index}`),
    });
    assert.equal(failure.tail.length, 30);
    assert.match(formatBuildFailure(failure), /^failed\n--- Last 30 lines ---\nline 10\n/);
    assert.equal(failure.retryHelps, false);
  });
});

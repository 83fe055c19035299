import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Manifest } from '@eve/domain';
import { parseManifest } from './parse-manifest.ts';

function manifestOf(yaml: string): Manifest {
  const { manifest, errors } = parseManifest(yaml);
  assert.deepEqual(errors, []);
  assert.ok(manifest);
  return manifest;
}

function errorsOf(yaml: string): string[] {
  return parseManifest(yaml).errors.map(({ path, line, column, message }) => `${line}:${column} ${path}: ${message}`);
}

describe('the paths of a build', () => {
  for (const [context, dockerfile, expected] of [
    ['./apps/api', './apps/api/Dockerfile', 'apps/api apps/api/Dockerfile'],
    ['apps/api', 'docker/Dockerfile.prod', 'apps/api apps/api/docker/Dockerfile.prod'],
    ['apps/api', '../Dockerfile', 'apps/api apps/Dockerfile'],
    ['.', 'docker/Dockerfile', '. docker/Dockerfile'],
    ['./', './Dockerfile', '. Dockerfile'],
    ['apps/../web', 'Dockerfile', 'web web/Dockerfile'],
  ] as const) {
    it(`are ${expected} for ${context} and ${dockerfile}`, () => {
      const build = manifestOf(`services: { a: { build: { context: ${context}, dockerfile: ${dockerfile} } } }`)
        .services.a?.build;

      assert.equal(`${build?.context} ${build?.dockerfile}`, expected);
    });
  }

  for (const build of [
    '{ context: ../other }',
    '{ context: /srv }',
    '{ context: a/../../b }',
    '{ context: . , dockerfile: ../Dockerfile }',
    '{ context: a, dockerfile: /etc/passwd }',
    'https://github.com/acme/shop.git',
    "'C:\\x'",
  ]) {
    it(`do not leave the repository: ${build}`, () => {
      assert.equal(errorsOf(`services: { a: { build: ${build} } }`).length, 1);
    });
  }

  it('come with arguments, target, platforms, secrets and timeout', () => {
    const yaml =
      'services: { a: { build: { context: ., args: [A=1], target: run, platforms: [linux/amd64], secrets: [NPM], timeout: 5m, resources: { memory: 512M, cpus: 0.5 } } } }';

    assert.deepEqual(manifestOf(yaml).services.a?.build, {
      context: '.',
      dockerfile: 'Dockerfile',
      target: 'run',
      args: { A: '1' },
      platforms: ['linux/amd64'],
      secrets: ['NPM'],
      timeoutMs: 300_000,
      test: null,
      resources: { memoryBytes: 512 * 1024 ** 2, cpus: 0.5 },
    });
  });

  for (const [test, expected] of [
    ['npm test', { shell: true, command: ['npm test'] }],
    ['[npm, test]', { shell: false, command: ['npm', 'test'] }],
    ['test $$A = $A', { shell: true, command: ['test $A = $A'] }],
    ['[echo, $$A]', { shell: false, command: ['echo', '$A'] }],
    ['{ command: npm test }', { shell: true, command: ['npm test'] }],
    ['{ target: check }', { target: 'check' }],
  ] as const) {
    it(`come with a test: ${test}`, () => {
      assert.deepEqual(
        manifestOf(`services: { a: { build: { context: ., test: ${test} } } }`).services.a?.build?.test,
        expected,
      );
    });
  }

  it('take a target or a command as their test, not both or neither', () => {
    for (const test of ['{ target: a, command: b }', '{}', '[]'])
      assert.equal(errorsOf(`services: { a: { build: { context: ., test: ${test} } } }`).length, 1);
  });

  it('take no argument that is too long for a program', () => {
    const yaml = `services: { a: { build: { context: ., args: { A: "${'€'.repeat(30_000)}" } } } }`;

    assert.match(errorsOf(yaml).join(), /`A` is longer than 65536 bytes/);
  });

  it('take no secret as an argument, because it would stay in the image', () => {
    const yaml = `services: { a: { build: { context: ., args: { TOKEN: "\${secret.NPM}" } } } }`;

    assert.match(errorsOf(yaml).join(), /list the secret `NPM` under `build.secrets`/);
  });
});

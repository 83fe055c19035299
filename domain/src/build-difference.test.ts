import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { buildDifferences, type ComparedBuild } from './build-difference.ts';
import type { BuildStep } from './build-step.ts';

// Only what is read.
const base = {
  spec: {
    source: { kind: 'git', sha: 'a' },
    target: 'image',
    gitSha: 'a',
    manifestHash: 'm1',
    services: ['web'],
    inputs: { tag: 'one', buildArgs: { A: '1' } },
    registry: null,
    cache: null,
  },
  run: {
    backend: 'buildx',
    notes: ['buildx 0.30'],
    status: 'failed',
    limits: { memoryBytes: 1, cpus: 1, timeoutMs: 5 },
  },
  manifest: { registry: { mode: 'eve' }, services: { web: { build: { context: 'web', target: null }, ports: [] } } },
  steps: [],
} as unknown as ComparedBuild;

const steps = (...names: string[]): BuildStep[] =>
  names.map((name, index) => ({
    service: 'web',
    attempt: 1,
    index: index + 1,
    name,
    state: 'done',
    cacheReason: null,
    startedAt: null,
    completedAt: null,
    error: null,
  }));

describe('what differs between two builds', () => {
  it('is nothing when all is equal, whatever the order of keys and absent or empty values', () => {
    const same = { ...base.spec, inputs: { buildArgs: { A: '1' }, tag: 'one', platforms: [] } };

    assert.deepEqual(buildDifferences(base, { ...base, spec: same }), []);
  });

  it('names commit, manifest with its parts, services, inputs, registry, cache, backend and notes', () => {
    const now = {
      ...base,
      spec: {
        ...base.spec,
        gitSha: 'b',
        manifestHash: 'm2',
        services: null,
        inputs: { buildArgs: { A: '2', B: '' } },
        registry: { host: 'ghcr.io' },
        cache: { disabled: true },
      },
      run: { ...base.run, backend: 'buildkit', notes: ['buildkit 0.20'] },
      manifest: {
        registry: { mode: 'eve' },
        services: {
          web: { build: { context: 'app', target: 'run' }, ports: [80] },
          jobs: { build: { context: 'jobs' } },
        },
      },
    } as unknown as ComparedBuild;

    assert.deepEqual(
      buildDifferences(base, now).map(({ what, before, after }) => `${what}: ${before} > ${after}`),
      [
        'git_sha: a > b',
        'manifest_hash: m1 > m2',
        'services: ["web"] > null',
        'inputs.tag: one > null',
        'inputs.buildArgs.A: 1 > 2',
        'inputs.buildArgs.B: null > ',
        'registry: null > {"host":"ghcr.io"}',
        'cache: null > {"disabled":true}',
        'backend: buildx > buildkit',
        'notes: ["buildx 0.30"] > ["buildkit 0.20"]',
        'manifest.services.web.build.context: web > app',
        'manifest.services.web.build.target: null > run',
        'manifest.services.web.ports: null > [80]',
        'manifest.services.jobs: null > {"build":{"context":"jobs"}}',
      ],
    );
  });

  it('names a base image that moved, and instructions that came and went', () => {
    const then = steps(
      '[internal] load build definition',
      '[deps 1/3] FROM docker.io/library/node:22@sha256:1',
      '[deps 2/3] COPY . .',
      '[deps 3/3] RUN npm ci',
      '[2/2] RUN old',
    );
    const now = steps(
      '[deps 1/4] FROM docker.io/library/node:22@sha256:2',
      '[deps 2/4] RUN apk add git',
      '[deps 3/4] COPY . .',
      '[deps 4/4] RUN npm ci',
    );

    const failed = buildDifferences({ ...base, steps: then }, { ...base, steps: now });
    const completed = buildDifferences(
      { ...base, steps: then },
      { ...base, steps: now, run: { ...base.run, status: 'completed' } },
    );

    const expected = [
      {
        what: 'steps.web.base image of deps',
        before: 'docker.io/library/node:22@sha256:1',
        after: 'docker.io/library/node:22@sha256:2',
      },
      { what: 'steps.web', before: null, after: '[deps] RUN apk add git' },
    ];
    assert.deepEqual(failed, expected);
    assert.deepEqual(completed, [...expected, { what: 'steps.web', before: 'RUN old', after: null }]);
  });

  it('is kept short', () => {
    const args = Object.fromEntries(Array.from({ length: 500 }, (_, index) => [`A${index}`, 'x'.repeat(1000)]));
    const now = { ...base, spec: { ...base.spec, inputs: { buildArgs: args } } };

    const found = buildDifferences(base, now);

    assert.equal(found.length, 100);
    assert.ok(found.every(({ after: text }) => (text?.length ?? 0) <= 301));
  });
});

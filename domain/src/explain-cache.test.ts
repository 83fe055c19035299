import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { BuildStep } from './build-step.ts';
import { dockerfileStepOf, explainCache } from './explain-cache.ts';

function steps(...named: readonly [name: string, state?: BuildStep['state']][]): BuildStep[] {
  return named.map(([name, state = 'done'], at) => ({
    ...{ service: 'web', attempt: 1, index: at + 1, name, state, cacheReason: null, error: null },
    ...{ startedAt: new Date(at * 1000), completedAt: null },
  }));
}

const before = steps(
  ['[internal] load build definition from Dockerfile'],
  ['[deps 1/3] FROM docker.io/library/node:22@sha256:aa'],
  ['[deps 2/3] COPY package.json .'],
  ['[deps 3/3] RUN npm ci'],
  ['[stage-1 1/2] FROM docker.io/library/nginx@sha256:bb'],
  ['[stage-1 2/2] COPY --from=deps /out /srv'],
);

function explained(now: BuildStep[], previous = before, cacheOff = false): (string | null)[] {
  return explainCache(now, previous, { cacheOff }).map(({ cacheReason }) => cacheReason);
}

function changed(...edits: Record<number, [string, BuildStep['state']?]>[]): BuildStep[] {
  const cached = before.map(({ name }): [string, BuildStep['state']?] => [name, 'cached']);
  for (const [at, to] of Object.entries(Object.assign({}, ...edits) as Record<string, [string]>)) cached[+at] = to;
  return steps(...cached);
}

describe('the name of a step', () => {
  it('tells stage, position and instruction', () => {
    assert.deepEqual(dockerfileStepOf('[linux/arm64 deps 3/5] RUN npm ci'), {
      ...{ stage: 'linux/arm64 deps', position: 3, instruction: 'RUN npm ci' },
    });
    assert.deepEqual(dockerfileStepOf('[2/5] RUN x'), { stage: '', position: 2, instruction: 'RUN x' });
    assert.equal(dockerfileStepOf('[internal] load .dockerignore'), null);
    assert.equal(dockerfileStepOf('exporting to image'), null);
  });
});

describe('why a step was not cached', () => {
  it('is nothing for what was, for base images and for what the engine does besides', () => {
    assert.deepEqual(explained(changed()), [null, null, null, null, null, null]);
    assert.equal(explained(before, [])[0], null);
    assert.equal(explained(before, [])[1], null);
  });

  it('is the first build or the cache being off, for every step', () => {
    assert.deepEqual(explained(before, []).filter(Boolean), Array(3).fill('first build of this service'));
    assert.deepEqual(explained(before, before, true).filter(Boolean), Array(3).fill('the cache is off'));
  });

  it('is a changed instruction, and what comes after it says so, in other stages too', () => {
    const now = changed(
      { 3: ['[deps 3/3] RUN npm ci --omit=dev'] },
      { 5: ['[stage-1 2/2] COPY --from=deps /out /srv'] },
    );

    assert.equal(explained(now)[3], 'the instruction changed');
    assert.equal(explained(now)[5], 'a step before it was rebuilt: RUN npm ci --omit=dev');
  });

  it('is changed files where the same COPY ran again', () => {
    const now = changed({ 2: ['[deps 2/3] COPY package.json .'] }, { 3: ['[deps 3/3] RUN npm ci'] });

    assert.equal(explained(now)[2], 'the files changed');
    assert.equal(explained(now)[3], 'a step before it was rebuilt: COPY package.json .');
  });

  it('is a changed base image for all of its stage', () => {
    const now = changed(
      { 1: ['[deps 1/3] FROM docker.io/library/node:22@sha256:cc'] },
      { 2: ['[deps 2/3] COPY package.json .'] },
      { 3: ['[deps 3/3] RUN npm ci'] },
    );

    assert.deepEqual(explained(now).slice(1, 4), [null, 'the base image changed', 'the base image changed']);
  });

  it('stays open where nothing changed: the engine has thrown the layer away', () => {
    assert.equal(explained(changed({ 3: ['[deps 3/3] RUN npm ci'] }))[3], null);
  });
});

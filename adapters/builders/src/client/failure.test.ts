import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { classifyFailure, type FailedStep, type FailureEvidence } from './failure.ts';

const classify = (step: Partial<FailedStep> | null, more: Partial<FailureEvidence> = {}) =>
  classifyFailure({
    program: 'docker buildx',
    exitCode: 1,
    failedStep: step && { name: '[build 3/5] RUN npm ci', error: ran(1), tail: [], ...step },
    said: [],
    service: 'web',
    stopped: false,
    memory: null,
    ...more,
  });
const ran = (code: number) => `process "/bin/sh -c npm ci" did not complete successfully: exit code: ${code}`;
const metadata = '[internal] load metadata for docker.io/library/node:24';
const pushing = 'pushing eve.example/a/b:1 with docker';

describe('the cause of a failed build', () => {
  for (const line of ['401 Unauthorized', 'ETIMEDOUT', 'denied', 'registry push failed', 'git clone failed'])
    it(`stays the step when it printed "${line}"`, () => {
      assert.equal(classify({ tail: [line] }).code, 'build_error');
    });

  it('is in the message with exit code, stage and instruction', () => {
    const failure = classify({ error: ran(127), tail: ['npm: not found'] });

    assert.equal(failure.message, 'docker buildx failed with exit code 127 at [build 3/5] RUN npm ci');
    assert.deepEqual(failure.tail, ['npm: not found', `ERROR: ${ran(127)}`]);
  });

  const cases: [string, Partial<FailedStep>, string][] = [
    ['a step killed for memory', { error: ran(137), tail: ['Killed'] }, 'resource_error'],
    ['a step that killed itself', { error: ran(137), tail: ['bye'] }, 'build_error'],
    ['a step on a full disk', { tail: ['write /x: no space left on device'] }, 'resource_error'],
    ['a push that is refused', { name: pushing, error: 'denied: not allowed' }, 'auth_error'],
    ['a push without login', { name: pushing, error: 'no basic auth credentials' }, 'auth_error'],
    ['a push to nobody', { name: pushing, error: 'dial tcp 127.0.0.1:9: connection refused' }, 'registry_error'],
    ['a push that breaks', { name: 'exporting to image', error: 'failed to push: unexpected EOF' }, 'registry_error'],
    ['an unknown base image', { name: metadata, error: 'docker.io/library/node:24: not found' }, 'build_error'],
    ['a private base image', { name: metadata, error: 'pull access denied, insufficient_scope' }, 'auth_error'],
    ['a base image out of reach', { name: metadata, error: 'dial tcp: lookup x: no such host' }, 'registry_error'],
    ['a missing file', { name: '[2/2] COPY a /', error: '"/a" not found: not found' }, 'build_error'],
    ['an engine that went away', { error: 'error reading from server: EOF' }, 'infrastructure_error'],
  ];
  for (const [title, step, code] of cases)
    it(`is told for ${title}: ${code}`, () => {
      assert.equal(classify(step).code, code);
    });

  it('is told without a step from what the client said', () => {
    const said = (line: string, exitCode: number | null = 1) => classify(null, { said: [line], exitCode });

    assert.equal(said('ERROR: Cannot connect to the Docker daemon at unix:///x').code, 'infrastructure_error');
    assert.equal(said('ERROR: write /y: no space left on device').code, 'resource_error');
    assert.equal(said('killed', null).code, 'infrastructure_error');
    assert.equal(
      said('ERROR: failed to solve: rpc error: code = Unknown desc = target stage zz could not be found').message,
      'target stage zz could not be found',
    );
  });

  it('is a lack of memory where the build met its limit, with what it used', () => {
    const usage = { peakMemoryBytes: 100_663_296, cpuMs: 1, diskReadBytes: 0, diskWrittenBytes: 0 };
    const memory = { usage, memoryBytes: 0, limitBytes: 100_663_296, limitMet: true };
    const failure = classify({ error: ran(137), tail: [] }, { memory });

    assert.equal(failure.code, 'resource_error');
    assert.match(failure.message, /exit code 137 at \[build 3\/5\] RUN npm ci: out of memory, peak 96 MiB of 96 MiB$/);
    assert.equal(classify({ error: ran(1), tail: [] }, { memory }).code, 'build_error');
  });

  for (const [title, step, phase, retryClass] of [
    [
      'a registry with a limit',
      { name: metadata, error: '429 Too Many Requests - toomanyrequests' },
      'build',
      'registry_rate_limit',
    ],
    ['a push with a limit', { name: pushing, error: 'toomanyrequests: slow down' }, 'push', 'registry_rate_limit'],
    ['a push to nobody', { name: pushing, error: 'dial tcp 127.0.0.1:9: connection refused' }, 'push', 'network'],
    ['a refused push', { name: pushing, error: 'denied: no' }, 'push', null],
    ['a full disk', { error: 'write /x: no space left on device' }, 'build', 'temporary_resource'],
    ['a failing step that talks of limits', { tail: ['429 Too Many Requests'] }, 'build', null],
  ] as const)
    it(`is tried again or not for ${title}`, () => {
      const failure = classify(step);
      assert.deepEqual([failure.phase, failure.retryClass], [phase, retryClass]);
    });

  it('comes with what one can do about the Dockerfile', () => {
    const copied = classify({
      name: '[web 2/2] COPY --chown=1 package.json /',
      error: 'failed to calculate checksum of ref abc::def: "/package.json": not found',
    });
    const staged = classify(null, { said: ['error: failed to solve: target stage "zz" could not be found'] });
    const parsed = classify(null, { said: ['ERROR: dockerfile parse error on line 2: unknown instruction: RUNN'] });
    const kept = classify({ error: 'secret NPM_TOKEN: not found' });

    assert.match(copied.hint, /^\/package\.json is not in the build context.*\.dockerignore/);
    assert.match(staged.hint, /AS zz/);
    assert.match(parsed.hint, /line 2/);
    assert.match(kept.hint, /eve secrets set NPM_TOKEN/);
  });

  it('is a stop when we stopped it', () => {
    assert.equal(classify({}, { stopped: true }).code, 'infrastructure_error');
  });
});

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { buildFailure } from './build-failure.ts';
import { isRetried, retryDelayMs } from './retry-policy.ts';

const delays = (policy?: Parameters<typeof retryDelayMs>[0]) =>
  [0, 1, 2, 3, 4].map((retries) => retryDelayMs(policy, retries));

describe('the retry policy', () => {
  it('waits 30 s, 60 s, 120 s and then gives up, unless the spec says otherwise', () => {
    assert.deepEqual(delays(), [30_000, 60_000, 120_000, null, null]);
    assert.deepEqual(delays({ maxRetries: 0 }), [null, null, null, null, null]);
    assert.deepEqual(delays({ initialDelayMs: 200_000, maxDelayMs: 250_000 }), [200_000, 250_000, 250_000, null, null]);
  });

  it('holds a spec that asks for more to the bounds', () => {
    const policy = { maxRetries: 50, initialDelayMs: 3_600_000, maxDelayMs: 3_600_000 };

    assert.deepEqual(delays(policy), [300_000, 300_000, 300_000, null, null]);
  });

  it('tries again what passes by itself or is our fault, and nothing else', () => {
    assert.equal(isRetried(buildFailure('clone_error', 'no route', { retryClass: 'network' })), true);
    assert.equal(isRetried(buildFailure('infrastructure_error', 'the engine is gone')), true);
    assert.equal(isRetried(buildFailure('registry_error', 'refused')), false);
    assert.equal(isRetried(buildFailure('build_error', 'exit code 1')), false);
  });
});

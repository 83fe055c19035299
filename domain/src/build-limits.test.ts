import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { allowedLimits } from './build-limits.ts';

const MiB = 1024 ** 2;

function service(name: string, memoryBytes: number | null = null, cpus: number | null = null, timeoutMs = 0) {
  return { name, build: { resources: { memoryBytes, cpus }, timeoutMs } };
}

describe('the limits of a build', () => {
  it('are the tier’s where nobody asks for less', () => {
    assert.deepEqual(allowedLimits('pro', [service('web')], null), {
      run: { memoryBytes: 2048 * MiB, cpus: 2, timeoutMs: 900_000 },
      whole: { memoryBytes: 2048 * MiB, cpus: 2 },
      services: { web: { memoryBytes: 2048 * MiB, cpus: 2 } },
      notes: [],
    });
  });

  it('are lowered by the manifest, service by service', () => {
    const { run, services } = allowedLimits('pro', [service('web', 512 * MiB), service('jobs', null, 0.5)], null);

    assert.deepEqual(services, {
      web: { memoryBytes: 512 * MiB, cpus: 2 },
      jobs: { memoryBytes: 2048 * MiB, cpus: 0.5 },
    });
    assert.deepEqual([run.memoryBytes, run.cpus], [2048 * MiB, 2]);
  });

  it('are never raised: who asks for more is told the tier’s limit', () => {
    const { run, notes } = allowedLimits('free', [service('web', 4096 * MiB, 8)], { timeoutMs: 3_600_000 });

    assert.deepEqual(run, { memoryBytes: 512 * MiB, cpus: 1, timeoutMs: 300_000 });
    assert.deepEqual(notes, [
      'web: build.resources.memory asks for 4096 MiB; a build of the tier free has 512 MiB at most',
      'web: build.resources.cpus asks for 8 CPUs; a build of the tier free has 1 CPUs at most',
      'inputs.timeout asks for 3600 s; a build of the tier free has 300 s at most',
    ]);
  });

  it('are not above what the machine has, which is said to whoever asks for more', () => {
    const machine = { memoryBytes: 1024 * MiB, cpus: 8 };

    const { run, whole, notes } = allowedLimits('pro', [service('web', 1536 * MiB)], null, machine);

    assert.deepEqual([run.memoryBytes, run.cpus, whole], [1024 * MiB, 2, { memoryBytes: 1024 * MiB, cpus: 2 }]);
    assert.deepEqual(notes, ['web: build.resources.memory asks for 1536 MiB; this machine has 1024 MiB at most']);
  });

  it('take the time from the request before the manifest’s longest', () => {
    const services = [service('web', null, null, 60_000), service('jobs', null, null, 90_000)];

    assert.equal(allowedLimits('free', services, null).run.timeoutMs, 90_000);
    assert.equal(allowedLimits('free', services, { timeoutMs: 10_000 }).run.timeoutMs, 10_000);
  });
});

import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, afterEach, before, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { processesWith } from '../../operations/testing/builder-surroundings.ts';
import type { Ground } from '../journeys/ground.ts';
import { type Installation, installation, type StartedEve } from '../journeys/installation.ts';
import { buildOf, checkOutcome, dockerfile, endOf, linesUntilGone } from './slow-builds.ts';
import { until } from './until.ts';

const points = ['after-claim', 'in-clone', 'in-build', 'after-push', 'before-complete'] as const;
const leaseSeconds = 4;

/** Kills, and stops, the worker of builds at every point: each ends once, and no line that was seen is lost. */
export function testKilledBuilds(ground: Ground): void {
  describe(`a build, on ${ground.name},`, () => {
    let eve: Installation;
    let started: StartedEve;

    before(async () => {
      eve = await installation({ ...(await ground.settings()), EVE_LEASE_SECONDS: String(leaseSeconds) });
    });
    after(() => eve?.[Symbol.asyncDispose]());
    afterEach(() => started?.interrupt());
    const start = async (failpoint?: string) => {
      if (failpoint) eve.variables.EVE_FAILPOINT = failpoint;
      else delete eve.variables.EVE_FAILPOINT;
      started = await eve.start('Eve is ready', '--no-example');
      return eve.client();
    };

    for (const point of points) {
      it(`whose worker is killed ${point} is carried out once and loses no line`, async () => {
        const marker = `${point}-${process.pid}`;
        let client = await start(point);
        const spec = await buildOf(client, join(eve.dataDir, 'cases', point), point, dockerfile(2, marker));
        const run = await client.startBuildRun(spec.id);
        const seen = await linesUntilGone(client, run);
        await started.gone();

        client = await start();
        const ended = await endOf(client, run);

        assert.equal(ended.status, 'completed', JSON.stringify(ended.error));
        await checkOutcome(client, spec, ended, seen);
        assert.deepEqual(await processesWith(marker), []);
      });
    }

    it('whose worker stands still for twice its lease ends once', async () => {
      const client = await start();
      const marker = `stopped-${process.pid}`;
      const spec = await buildOf(client, join(eve.dataDir, 'cases', 'stopped'), 'stopped', dockerfile(4, marker));
      const run = await client.startBuildRun(spec.id);
      await until(async () => (await client.getBuildRun(spec.id, run.id)).phase === 'building');
      const seen = (await client.buildLogs(spec.id, { run_id: run.id })).logs;
      const [pid = ''] = (await readFile(join(eve.dataDir, 'lock'), 'utf8')).split(' ');

      process.kill(Number(pid), 'SIGSTOP');
      await sleep(2 * leaseSeconds * 1000);
      process.kill(Number(pid), 'SIGCONT');
      const ended = await endOf(client, run);

      assert.equal(ended.status, 'completed', JSON.stringify(ended.error));
      await checkOutcome(client, spec, ended, seen);
      assert.deepEqual(await processesWith(marker), []);
    });
  });
}

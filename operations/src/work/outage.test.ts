import assert from 'node:assert/strict';
import { it } from 'node:test';
import { sampleOrganisation, sampleProject } from '@eve/adapter-postgres/testing';
import { encodeId } from '@eve/domain';
import { hangingWay, ownDatabase } from '../../testing/own-database.ts';
import { type WorkerAt, workerAt } from '../../testing/worker-at.ts';
import type { Lease, WorkItem } from '../ports/work-queue.ts';
import { patiently } from './patiently.ts';
import { pause } from './pause.ts';

const forEver = new AbortController().signal;

/** One carrying out of a work, as the outside world sees it: acts from the beginning to the last one. */
interface Run {
  readonly id: string;
  readonly worker: string;
  readonly lease: Lease;
  readonly beganAt: number;
  lastActAt: number;
  isLost: boolean;
  isDone: boolean;
}

/** Works whose handlers act outside until they are released, and settle patiently then. */
function stage() {
  const runs: Run[] = [];
  const released = new Set<string>();
  const handlerOf =
    (worker: string) =>
    ({ store }: Pick<WorkerAt, 'store'>) =>
    async ({ id, lease }: { id: string; lease: Lease }, signal: AbortSignal) => {
      const run: Run = { id, worker, lease, beganAt: Date.now(), lastActAt: 0, isLost: false, isDone: false };
      runs.push(run);
      signal.addEventListener('abort', () => {
        run.isLost = true;
      });
      while (!signal.aborted && !released.has(id)) {
        run.lastActAt = Date.now();
        await pause(20, signal);
      }
      await patiently(() => store.transaction(({ queue }) => queue.settle(lease)), signal);
      run.isDone = true;
    };
  return { runs, released, handlerOf };
}

async function addWorks({ store }: Pick<WorkerAt, 'store'>, count: number): Promise<string[]> {
  const organisation = sampleOrganisation({ tier: 'dedicated' });
  const project = sampleProject(organisation);
  await store.organisations.insert(organisation);
  await store.projects.insert(project);
  const ids: string[] = [];
  for (let index = 0; index < count; index++) {
    const id = encodeId('brun', crypto.getRandomValues(new Uint8Array(16)));
    const of = { tenantId: organisation.id, projectId: project.id };
    const item: WorkItem = { kind: 'execute-build-run', id, class: 'build', version: 1, ...of };
    await store.queue.add(item);
    ids.push(id);
  }
  return ids;
}

async function until(condition: () => boolean | Promise<boolean>, what: string, withinMs = 20_000): Promise<void> {
  const latest = Date.now() + withinMs;
  while (!(await condition())) {
    if (Date.now() > latest) assert.fail(`It never came to this: ${what}.`);
    await pause(20, forEver);
  }
}

async function isEmpty({ pool }: Pick<WorkerAt, 'pool'>): Promise<boolean> {
  return (await pool.query('select from work')).rowCount === 0;
}

for (const { leaseMs, outageMs } of [
  { leaseMs: 2_000, outageMs: 10_000 },
  { leaseMs: 10_000, outageMs: 30_000 },
]) {
  it(`neither kills nor doubles work while the database is down for ${outageMs / 1000} s, with leases of ${leaseMs / 1000} s`, async () => {
    await using db = await ownDatabase();
    const { runs, released, handlerOf } = stage();
    await using one = workerAt({ url: db.url, worker: 'one', slots: 3, leaseMs }, handlerOf('one'));
    await using two = workerAt({ url: db.url, worker: 'two', slots: 3, leaseMs }, handlerOf('two'));
    const [early = '', ...rest] = await addWorks(one, 6);
    await until(() => runs.length === 6, 'all works have begun');

    await db.crash();
    await pause(outageMs / 2, forEver);
    released.add(early); // Its end has to be written while nothing can be written.
    await pause(outageMs / 2, forEver);
    await db.start();
    // Long enough for a sweep to free what was not renewed.
    await pause(leaseMs * 2, forEver);
    const [later = ''] = await addWorks(one, 1);
    for (const id of [...rest, later]) released.add(id);
    await until(() => isEmpty(one), 'everything is settled');

    assert.deepEqual(runs.map(({ id }) => id).toSorted(), [early, ...rest, later].toSorted(), 'each began once');
    assert.ok(
      runs.every(({ isDone, isLost }) => isDone && !isLost),
      'no lease was lost',
    );
    assert.ok(!one.said.concat(two.said).includes('work failed'));
  });
}

it('ends work in time whose worker alone is cut off, and never has it carried out by two', async () => {
  const leaseMs = 2_000;
  await using db = await ownDatabase();
  await using way = await hangingWay(db.url);
  const { runs, released, handlerOf } = stage();
  await using cutOff = workerAt({ url: way.url, worker: 'cut off', slots: 2, leaseMs }, handlerOf('cut off'));
  const ids = await addWorks(cutOff, 2);
  await until(() => runs.length === 2, 'both works have begun');
  await using other = workerAt({ url: db.url, worker: 'other', slots: 2, leaseMs }, handlerOf('other'));

  way.hang();
  const hungAt = Date.now();
  await until(() => runs.length === 4, 'the other worker has both');
  const [first, second] = [runs.filter(({ worker }) => worker === 'cut off'), runs.slice(2)];
  way.goOn();

  for (const run of first) {
    const next = second.find(({ id }) => id === run.id);
    assert.ok(next, 'each was taken over');
    assert.ok(run.isLost && run.lastActAt - hungAt <= leaseMs + 300, `it went on for ${run.lastActAt - hungAt} ms`);
    assert.ok(run.lastActAt < next.beganAt, 'never two at once');
    assert.ok(next.lease.fence > run.lease.fence);
    await assert.rejects(cutOff.store.queue.settle(run.lease), { code: 'lease_lost' });
  }
  for (const id of ids) released.add(id);
  await until(() => isEmpty(other), 'the other worker settled them');
  assert.equal(runs.length, 4);
});

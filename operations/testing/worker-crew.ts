import { createNotifications, workQueue } from '@eve/adapter-postgres';
import { sampleOrganisation, sampleProject, testDatabase } from '@eve/adapter-postgres/testing';
import { encodeId, type OrganisationId, type ProjectId } from '@eve/domain';
import type { Failpoint } from '../src/platform.ts';
import type { ClaimedWork, QueueRecords, WorkItem, WorkQueue } from '../src/ports/work-queue.ts';
import { runWorker } from '../src/work/run-worker.ts';
import { sweepQueue } from '../src/work/sweep.ts';
import type { GiveUp, WorkerOptions, WorkHandler } from '../src/work/worker-options.ts';

/** A queue on a test database, with tenants made on request. */
export interface QueueScene extends AsyncDisposable {
  readonly db: Awaited<ReturnType<typeof testDatabase>>;
  readonly queue: WorkQueue;
  readonly records: QueueRecords;
  tenant(): Promise<{ tenantId: OrganisationId; projectId: ProjectId }>;
  add(tenant: { tenantId: OrganisationId; projectId: ProjectId }): Promise<WorkItem>;
}

async function queueScene(): Promise<QueueScene> {
  const db = await testDatabase();
  const notifications = createNotifications(db.pool, { url: db.url });
  const { organisations, projects, queue: records } = db.store;
  return {
    db,
    queue: workQueue(db.pool, { url: db.url, notifications, pollMs: 200 }),
    records,
    async tenant() {
      const organisation = sampleOrganisation();
      const project = sampleProject(organisation);
      await organisations.insert(organisation);
      await projects.insert(project);
      return { tenantId: organisation.id, projectId: project.id };
    },
    async add(tenant) {
      const id = encodeId('brun', crypto.getRandomValues(new Uint8Array(16)));
      const item: WorkItem = { kind: 'execute-build-run', id, class: 'build', version: 1, ...tenant };
      await records.add(item);
      return item;
    },
    async [Symbol.asyncDispose]() {
      await notifications[Symbol.asyncDispose]();
      await db[Symbol.asyncDispose]();
    },
  };
}

/** Workers that all carry out builds with the given handler. */
export interface Crew extends AsyncDisposable {
  readonly scene: QueueScene;
  readonly said: string[];
  readonly failpoints: Failpoint[];
  start(build: WorkHandler, options?: Partial<WorkerOptions> & { onGiveUp?: GiveUp }): { stop(): Promise<void> };
}

/** Workers on a real queue; all are stopped at the end. */
export async function crew(): Promise<Crew> {
  const scene = await queueScene();
  const said: string[] = [];
  const failpoints: Failpoint[] = [];
  const stops: (() => Promise<void>)[] = [];
  const say = (_: object, sentence: string) => void said.push(sentence);
  const platform = {
    queue: scene.queue,
    store: scene.db.store,
    log: { info: say, warn: say, error: say },
    failpoint: (name: Failpoint) => void failpoints.push(name),
  };
  return {
    scene,
    said,
    failpoints,
    start(build, { onGiveUp = settle, ...options } = {}) {
      const stopping = new AbortController();
      const kinds = ['execute-build-run', 'execute-deploy', 'retire-instances', 'advance-pipeline-run'] as const;
      const ended = Promise.all([
        sweepQueue(platform, { leaseMs: options.leaseMs ?? 1_000 }, stopping.signal),
        runWorker(
          platform,
          {
            worker: 'test',
            slots: { build: 2, deploy: 1, control: 1 },
            handlers: byKind(kinds, build),
            giveUp: byKind(kinds, onGiveUp),
            leaseMs: 1_000,
            ...options,
          },
          stopping.signal,
        ),
      ]);
      const stop = async () => {
        stopping.abort();
        await ended;
      };
      stops.push(stop);
      return { stop };
    },
    async [Symbol.asyncDispose]() {
      for (const stop of stops) await stop();
      await scene[Symbol.asyncDispose]();
    },
  };

  function settle(work: ClaimedWork): Promise<void> {
    return scene.records.settle(work.lease);
  }
}

/** The same for every kind of work. */
export function byKind<Kind extends string, Value>(kinds: readonly Kind[], value: Value): Record<Kind, Value> {
  return Object.fromEntries(kinds.map((kind) => [kind, value])) as Record<Kind, Value>; // fromEntries forgets its keys
}

import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { Project } from '@eve/domain';
import {
  at,
  leaseFor,
  sampleOrganisation,
  sampleProject,
  sampleRun,
  sampleSpec,
  type TestDatabase,
  testDatabase,
} from '../testing/index.ts';
import { createNotifications } from './notifications.ts';
import { changedChannel } from './state-change.ts';

describe('the history of states', () => {
  let db: TestDatabase;
  let project: Project;

  before(async () => {
    db = await testDatabase();
    const organisation = sampleOrganisation({ tier: 'dedicated' });
    project = sampleProject(organisation);
    await db.store.organisations.insert(organisation);
    await db.store.projects.insert(project);
  });
  after(() => db[Symbol.asyncDispose]());

  it('gives events in order, and never one before another that may still come', async () => {
    const { tenantId } = project;
    const entry = { tenantId, subjectKind: 'secret', subjectId: 'secr_1', from: null, to: 'set', actor: 'x', at };
    const written = Promise.withResolvers<void>();
    const finish = Promise.withResolvers<void>();
    const open = db.store.transaction(async ({ transitions }) => {
      await transitions.record({ ...entry, event: 'first' });
      written.resolve();
      await finish.promise;
    });
    await written.promise;
    await db.store.transitions.record({ ...entry, event: 'second' });

    const during = await db.store.transitions.after(tenantId, 0, 10);
    finish.resolve();
    await open;

    assert.deepEqual(during, []);
    const events = await eventually(
      () => db.store.transitions.after(tenantId, 0, 10),
      ({ length }) => length === 2,
    );
    assert.deepEqual(
      events.map(({ event }) => event),
      ['first', 'second'],
    );
    assert.deepEqual(await db.store.transitions.after(tenantId, events[1]?.sequence ?? 0, 10), []);
  });

  it('tells watchers of a record once a change is committed, and of no change that is not', async () => {
    await using notifications = createNotifications(db.pool, { url: db.url });
    const heard: string[] = [];
    const listening = Promise.withResolvers<void>();
    const notified = (id: string) => void heard.push(id);
    using _listener = notifications.listen(changedChannel, { notified, connected: listening.resolve });
    await listening.promise;
    const spec = await db.store.buildSpecs.insertOrGet(sampleSpec(project));
    const [run, lost] = [sampleRun(spec), sampleRun(spec)];

    const givenUp = db.store.transaction(async ({ buildRuns }) => {
      await buildRuns.insert(lost);
      throw new Error('given up');
    });
    await assert.rejects(givenUp, /given up/);
    await db.store.buildRuns.insert(run);
    await leaseFor(db, 'execute-build-run', run);

    await eventually(
      async () => heard,
      ({ length }) => length > 0,
    );
    assert.deepEqual(heard, [run.id]);
  });
});

async function eventually<Value>(read: () => Promise<Value>, done: (value: Value) => boolean): Promise<Value> {
  for (let attempt = 0; ; attempt++) {
    const value = await read();
    if (done(value) || attempt === 50) return value;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

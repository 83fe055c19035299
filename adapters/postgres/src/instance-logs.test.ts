import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { Environment, Project } from '@eve/domain';
import type { InstanceLog } from '@eve/operations';
import {
  at,
  newId,
  sampleEnvironment,
  sampleOrganisation,
  sampleProject,
  type TestDatabase,
  testDatabase,
} from '../testing/index.ts';

const later = (minutes: number) => new Date(at.getTime() + 60_000 * minutes);

describe('the logs of removed instances', () => {
  let db: TestDatabase;
  let project: Project;
  let environment: Environment;

  before(async () => {
    db = await testDatabase();
    const organisation = sampleOrganisation({ tier: 'dedicated' });
    project = sampleProject(organisation);
    await db.store.organisations.insert(organisation);
    await db.store.projects.insert(project);
    environment = sampleEnvironment(project);
    await db.store.environments.insert(environment);
  });
  after(() => db[Symbol.asyncDispose]());

  function sampleLog(service: string, number: number, over: Partial<InstanceLog> = {}): InstanceLog {
    return {
      tenantId: environment.tenantId,
      environmentId: environment.id,
      service,
      instance: `place-${service}-${number}`,
      deployId: newId('dep'),
      from: later(number),
      to: later(number + 10),
      lines: 5_000_000_000,
      key: `instance-logs/${service}-${number}.gz`,
      sizeBytes: 12,
      archivedAt: later(number + 11),
      ...over,
    };
  }

  const keysOf = (logs: readonly InstanceLog[]) => logs.map(({ key }) => key.replace('instance-logs/', ''));

  it('are found by service and time, by age, and for their own tenant only', async () => {
    const { store } = db;
    const first = sampleLog('web', 1);
    for (const log of [sampleLog('web', 20), first, sampleLog('db', 5)]) await store.instanceLogs.insert(log);
    const list = (filter: { service?: string; since?: Date }) =>
      store.instanceLogs.list(environment.tenantId, environment.id, filter);

    assert.deepEqual((await list({}))[0], first);
    assert.deepEqual(keysOf(await list({})), ['web-1.gz', 'db-5.gz', 'web-20.gz']);
    assert.deepEqual(keysOf(await list({ service: 'web' })), ['web-1.gz', 'web-20.gz']);
    assert.deepEqual(keysOf(await list({ since: later(12) })), ['db-5.gz', 'web-20.gz']);
    assert.deepEqual(await store.instanceLogs.list(newId('org'), environment.id, {}), []);
    assert.deepEqual(keysOf(await store.instanceLogs.older(later(17), 10)), ['web-1.gz', 'db-5.gz']);
    assert.deepEqual(keysOf(await store.instanceLogs.older(later(17), 1)), ['web-1.gz']);
  });

  it('are written again when an instance is archived again, and go one by one or with their environment', async () => {
    const { store } = db;
    const { tenantId, id } = environment;
    const again = sampleLog('jobs', 1);
    await store.instanceLogs.insert(again);
    await store.instanceLogs.insert({ ...again, lines: 7, to: later(30) });

    const [kept, ...more] = await store.instanceLogs.list(tenantId, id, { service: 'jobs' });
    assert.deepEqual([kept?.lines, kept?.to, more.length], [7, later(30), 0]);
    await store.instanceLogs.delete(again.key);
    assert.deepEqual(await store.instanceLogs.list(tenantId, id, { service: 'jobs' }), []);

    await store.environments.delete(tenantId, id);
    assert.deepEqual(await store.instanceLogs.older(later(1000), 10), []);
  });
});

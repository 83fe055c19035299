import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  askForDeploy,
  deployed,
  eachOnSampleProject,
  type SampleProject,
  type TestPlatform,
} from '../../testing/index.ts';
import { driftMemory, lookForDrift } from '../drift/watch-drift.ts';
import { diagnoseEnvironment } from './diagnose-environment.ts';
import { readBoard } from './read-board.ts';
import { setSuspended } from './set-suspended.ts';

const signal = AbortSignal.timeout(120_000);

let test: TestPlatform;
let shop: SampleProject;

eachOnSampleProject((scene) => {
  ({ test, shop } = scene);
});

async function builtCommit() {
  const commit = await shop.commit();
  await shop.built(commit);
  return commit;
}
const board = async () => {
  const read = await readBoard(test.platform, shop.caller, { projectId: shop.project.id, page: { limit: 20 } });
  const [row, ...others] = read.items;
  assert.ok(row);
  assert.deepEqual(others, []);
  return { ...read, row };
};
const diagnose = () => diagnoseEnvironment(test.platform, shop.caller, { projectId: shop.project.id, name: 'test' });

describe('the board', () => {
  it('says what serves, since when and by whom, and what waits', async () => {
    const first = await deployed(test, shop, await builtCommit());
    const waiting = await askForDeploy(test, shop, await builtCommit());

    const { row } = await board();

    assert.deepEqual([row.revisionNumber, row.since, row.by], [1, first.completedAt, shop.caller.actor]);
    assert.deepEqual([row.health, row.active, row.waiting?.id], ['deploying', null, waiting.id]);
    assert.equal(row.newest?.id === row.release?.id, false);
  });

  it('is ready, degraded with what was seen to differ, and unknown while the engine does not answer', async () => {
    await deployed(test, shop, await builtCommit());
    const ready = await board();
    test.deployer.instances.length = 0;
    await lookForDrift(test.platform, driftMemory(), signal);
    const degraded = await board();
    test.deployer.observe = async () => {
      throw new Error('connect ECONNREFUSED');
    };
    const unknown = await board();

    assert.deepEqual([ready.row.health, degraded.row.health, unknown.row.health], ['ready', 'degraded', 'unknown']);
    assert.equal(degraded.row.drift?.differences.length, 2);
    assert.deepEqual([ready.engineAnswers, unknown.engineAnswers], [true, false]);
  });

  it('asks the engine once however many environments there are, and shows a token of one project only that', async () => {
    await deployed(test, shop, await builtCommit());
    await deployed(test, shop, { ...(await builtCommit()), envName: 'other' });
    let asked = 0;
    const { observe } = test.deployer;
    test.deployer.observe = async (id) => {
      asked++;
      return observe(id);
    };
    const page = { limit: 20 };

    const all = await readBoard(test.platform, shop.caller, { page });
    const narrow = { ...shop.caller, projectId: 'proj_of_another' } as const;
    const none = await readBoard(test.platform, narrow, { page });

    assert.deepEqual([all.items.length, asked], [2, 1]);
    assert.deepEqual(none.items, []);
  });
});

describe('the diagnosis of an environment', () => {
  it('names what differs and the command that comes next', async () => {
    await deployed(test, shop, await builtCommit());
    test.deployer.instances.length = 0;

    const { summary, findings, suggestedCommand } = await diagnose();

    assert.equal(summary, 'web: 0 of 1 instance there');
    assert.deepEqual(findings, ['web: 0 of 1 instance there', 'jobs: 0 of 1 instance there']);
    assert.equal(suggestedCommand, 'eve env repair test');
  });

  it('shows the last lines of what is not healthy, with no secret in them', async () => {
    const commit = await shop.commit(`services:
  web:
    build: { context: web }
    ports: ["8000"]
    environment: { PASSWORD: "\${secret.PASSWORD}" }
  jobs:
    build: { context: jobs }
`);
    await shop.secret('PASSWORD', 'hunter22-and-more');
    await shop.built(commit);
    await deployed(test, shop, commit);
    const web = test.deployer.instances.find(({ service }) => service === 'web');
    assert.ok(web);
    test.deployer.print(web.name, 'cannot log in as hunter22-and-more');
    test.deployer.script[web.name] = { unhealthyFrom: 1 };

    const { status, findings, logs } = await diagnose();

    assert.deepEqual([status.health, status.ready], ['degraded', false]);
    assert.match(findings[0] ?? '', /is not healthy/);
    assert.deepEqual(
      logs.map(({ instance }) => instance),
      [web.name],
    );
    assert.match(JSON.stringify(logs), /cannot log in as/);
    assert.doesNotMatch(JSON.stringify(logs), /hunter22/);
  });

  it('says that it is suspended, and what happened, newest first', async () => {
    await deployed(test, shop, await builtCommit());
    const change = { projectId: shop.project.id, name: 'test', suspended: true, reason: 'saving money' };
    await setSuspended(test.platform, shop.caller, change);

    const { findings, events, lastFailed } = await diagnose();

    assert.deepEqual(findings, ['Environment test is suspended: saving money.']);
    assert.equal(events[0]?.event, 'suspend');
    assert.equal(lastFailed, null);
  });
});

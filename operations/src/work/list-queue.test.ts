import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { type SampleProject, sampleProject, type TestPlatform, testPlatform } from '../../testing/index.ts';
import { listQueue } from './list-queue.ts';

let test: TestPlatform;
let shop: SampleProject;
let other: SampleProject;

before(async () => {
  test = await testPlatform();
  shop = await sampleProject(test);
  other = await sampleProject(test, 'other');
});

after(async () => {
  await test.work();
  await test[Symbol.asyncDispose]();
});

describe('the queue', () => {
  it('names what waits: organisation, project, build, place and reason', async () => {
    const { spec, run } = await shop.build(await shop.commit());
    const theirs = await other.build(await other.commit());

    const { items, lanes } = await listQueue(test.platform, shop.caller, { limit: 10 });

    assert.equal(items.length, 1);
    const [entry] = items;
    assert.deepEqual([entry?.id, entry?.organisation, entry?.project], [run.id, 'acme', 'shop']);
    assert.deepEqual(entry?.build, { id: spec.id, number: spec.number });
    assert.match(entry?.why ?? '', /^Waiting at position 1: /);
    assert.deepEqual(entry?.deadlineAt, run.queueDeadlineAt);
    assert.ok(lanes.every(({ tenantId }) => tenantId === shop.organisation.id));
    assert.ok(items.every(({ id }) => id !== theirs.run.id));
  });

  it('of all organisations is for operators', async () => {
    const page = { limit: 10, all: true };
    const operator = { ...shop.caller, operator: true };

    await assert.rejects(listQueue(test.platform, shop.caller, page), { code: 'caller_forbidden' });
    const { items } = await listQueue(test.platform, operator, page);

    assert.deepEqual([...new Set(items.map(({ organisation }) => organisation))].sort(), ['acme', 'other']);
  });

  it('shows a token of one project that project only', async () => {
    const scoped = { ...shop.caller, projectId: other.project.id };

    assert.deepEqual((await listQueue(test.platform, scoped, { limit: 10 })).items, []);
  });
});

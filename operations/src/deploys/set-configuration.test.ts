import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  deployed,
  eachOnSampleProject,
  environmentNow,
  type SampleProject,
  sampleProject,
  type TestPlatform,
} from '../../testing/index.ts';
import { compareConfigurations } from '../environments/compare-configurations.ts';
import { createEnvironment } from '../environments/create-environment.ts';
import { getConfigVersion, listConfigurations, runningConfiguration } from '../environments/get-configuration.ts';
import { secretUses } from '../secrets/list-secrets.ts';
import { setSecret } from '../secrets/set-secret.ts';
import { applyConfiguration } from './apply-configuration.ts';
import { type SetConfiguration, setConfiguration } from './set-configuration.ts';

let test: TestPlatform;
let shop: SampleProject;

eachOnSampleProject((scene) => {
  ({ test, shop } = scene);
});

const change = (request: Omit<SetConfiguration, 'projectId' | 'envName'> & { envName?: string }) =>
  setConfiguration(test.platform, shop.caller, { projectId: shop.project.id, envName: 'test', ...request });
const plain = (text: string) => ({ plain: text });
const environment = (name = 'test') =>
  createEnvironment(test.platform, shop.caller, { projectId: shop.project.id, name });
const serving = async () => {
  const commit = await shop.commit();
  await shop.built(commit);
  return deployed(test, shop, commit);
};

describe('setting configuration', () => {
  it('keeps every version with who made it and why', async () => {
    await environment();
    await change({ set: { A: plain('1') }, message: 'first' });
    const second = await change({ service: 'web', set: { B: { secret: 'KEY' } } });
    await change({ unset: ['A'], message: 'third' });

    const { items } = await listConfigurations(test.platform, shop.caller, shop.project.id, 'test', { limit: 9 });

    assert.deepEqual(
      items.map(({ number, message, createdBy, values }) => [number, message, createdBy, values]),
      [
        [4, 'third', shop.caller.actor, { web: { B: { secret: 'KEY' } } }],
        [3, null, shop.caller.actor, { '*': { A: plain('1') }, web: { B: { secret: 'KEY' } } }],
        [2, 'first', shop.caller.actor, { '*': { A: plain('1') } }],
        [1, null, shop.caller.actor, {}],
      ],
    );
    assert.equal(second.deploy, null);
    assert.ok(second.warnings.some((warning) => warning.includes('Secret KEY is not set yet')));
    const version = await getConfigVersion(test.platform, shop.caller, shop.project.id, 'test', 3);
    assert.deepEqual(version, items[1]);
    await assert.rejects(getConfigVersion(test.platform, shop.caller, shop.project.id, 'test', 9), {
      code: 'revision_not_found',
      message: 'test has no configuration 9; the newest is 4.',
    });
  });

  it('makes no version and no deploy of a change that changes nothing', async () => {
    await serving();
    const first = await change({ set: { A: plain('1') } });
    await test.work();
    const again = await change({ set: { A: plain('1') }, unset: ['B'] });

    assert.ok(first.deploy);
    assert.deepEqual([again.version?.number, again.changes, again.deploy], [first.version?.number, [], null]);
    await environment('empty');
    const nothing = await change({ envName: 'empty', unset: ['B'] });
    assert.deepEqual([nothing.version?.number, nothing.changes, nothing.deploy], [1, [], null]);
  });

  it('deploys what runs with it, and tells what it changed', async () => {
    await serving();

    const { version, changes, deploy } = await change({ set: { A: plain('1') }, service: 'web' });
    await test.work();

    assert.deepEqual(changes, [{ service: 'web', name: 'A', before: null, after: plain('1') }]);
    assert.equal(deploy?.cause, 'configuration');
    const running = await runningConfiguration(test.platform, shop.caller, shop.project.id, 'test');
    assert.equal(running?.id, version?.id);
    const ended = await test.platform.store.deploys.get(shop.caller.tenantId, deploy?.id ?? 'dep_');
    assert.equal(ended.status, 'healthy');
  });

  it('refuses a change that was made against an older version, naming the newer one and who made it', async () => {
    await environment();
    await change({ set: { A: plain('1') }, expectedVersion: 1 });
    await change({ set: { B: plain('1') }, message: 'quieter logs', expectedVersion: 2 });

    await assert.rejects(change({ set: { A: plain('2') }, expectedVersion: 2 }), {
      code: 'configuration_changed',
      kind: 'conflict',
      message: new RegExp(
        `^The configuration of test is at version 3 since \\d+ s ago, by ${shop.caller.actor} \\("quieter logs"\\); this change was made against version 2\\. Look at \`eve config diff test 2\\.\\.3\``,
      ),
    });
    await assert.rejects(change({ envName: 'test', set: { A: plain('2') }, expectedVersion: 7 }), {
      code: 'configuration_changed',
    });
  });

  it('loses none of the changes that are made at the same time', async () => {
    await environment();

    await Promise.all(['A', 'B', 'C', 'D'].map((name) => change({ set: { [name]: plain(name) } })));

    const { items } = await listConfigurations(test.platform, shop.caller, shop.project.id, 'test', { limit: 9 });
    assert.deepEqual(Object.keys(items[0]?.values['*'] ?? {}).sort(), ['A', 'B', 'C', 'D']);
    assert.deepEqual(
      items.map(({ number }) => number),
      [5, 4, 3, 2, 1],
    );
  });

  it('lets one of two changes made against the same version win', async () => {
    await environment();
    const results = await Promise.allSettled(
      ['A', 'B', 'C'].map((name) => change({ set: { [name]: plain(name) }, expectedVersion: 1 })),
    );

    assert.equal(results.filter(({ status }) => status === 'fulfilled').length, 1);
    for (const result of results)
      if (result.status === 'rejected') assert.equal(result.reason.code, 'configuration_changed');
  });

  it('brings an earlier version back as a new one', async () => {
    await environment();
    await change({ set: { A: plain('1'), B: plain('1') } });
    await change({ set: { A: plain('2') }, unset: ['B'] });

    const { version, changes } = await change({ restore: 2 });

    assert.deepEqual([version?.number, version?.message, changes.length], [4, 'As in version 2', 2]);
    assert.deepEqual(version?.values, { '*': { A: plain('1'), B: plain('1') } });
    assert.deepEqual((await change({ restore: 4 })).changes, []);
    await assert.rejects(change({ restore: 9 }), { code: 'revision_not_found' });
  });

  for (const [what, request, message] of [
    ['names that are none', { set: { 'A-B': plain('1'), '9': plain('1') } }, /9: is no name.* A-B: is no name/],
    ['a NUL character', { set: { A: plain('a\0b') } }, /A: holds a NUL/],
    ['half a character', { set: { A: plain('\ud800') } }, /A: holds half/],
    ['values that are too large', { set: { A: plain('x'.repeat(70_000)) } }, /A: takes 70000 bytes; at most 65536/],
    ['a secret of no name', { set: { A: { secret: 'a b' } } }, /"a b" is no name of a secret/],
    ['a name that is set and unset', { set: { A: plain('1') }, unset: ['A'] }, /both set and unset/],
    ['a service of no name', { service: 'a/b', set: { A: plain('1') } }, /is no name of a service/],
    [
      'more than a program could be started with',
      { set: Object.fromEntries(Array.from({ length: 9 }, (_, at) => [`A${at}`, plain('x'.repeat(65_000))])) },
      /take 58\d+ bytes; 524288 fit/,
    ],
  ] as const) {
    it(`refuses ${what}, and never says a value`, async () => {
      await environment();

      await assert.rejects(change(request), (error: Error & { code: string }) => {
        assert.equal(error.code, 'request_invalid');
        assert.match(error.message, message);
        assert.ok(error.message.length < 500);
        return true;
      });
    });
  }

  it('asks whether a service is meant that the manifest does not have, and a name that Eve gives', async () => {
    await shop.commit();
    await environment();

    const { warnings } = await change({ service: 'wbe', set: { EVE_ENV_NAME: plain('x') } });

    assert.match(warnings.join('\n'), /EVE_ENV_NAME is what Eve tells every service/);
    assert.match(warnings.join('\n'), /no service wbe; it has (jobs, web|web, jobs)/);
  });

  it('tells where a name is set that was unset elsewhere', async () => {
    await environment();
    await change({ set: { A: plain('1') }, service: 'web' });

    const { changes, warnings } = await change({ unset: ['A', 'B'] });

    assert.deepEqual(changes, []);
    assert.deepEqual(warnings, ['A is set for web still: unset it there too if it is to go.']);
  });

  it('is for those who may configure the project, and of the own organisation', async () => {
    await environment();
    const request = { projectId: shop.project.id, envName: 'test', set: { A: plain('1') } };
    const reader = { ...shop.caller, scopes: ['read'] as const };
    await assert.rejects(setConfiguration(test.platform, reader, request), { code: 'caller_forbidden' });
    const stranger = await sampleProject(test, 'other');
    await assert.rejects(setConfiguration(test.platform, stranger.caller, request), { code: 'project_not_found' });
  });
});

describe('comparing configurations', () => {
  it('tells what the last change changed, what lies between two versions, and between environments', async () => {
    await environment();
    await environment('other');
    await change({ set: { A: plain('1'), KEY: { secret: 'FIRST' } } });
    await change({ set: { A: plain('2'), KEY: { secret: 'SECOND' } } });
    await change({ envName: 'other', set: { A: plain('2') } });
    const compare = async (from: object, to: object) => {
      const sides = { from: { envName: 'test', ...from }, to: { envName: 'test', ...to } };
      const found = await compareConfigurations(test.platform, shop.caller, shop.project.id, sides);
      return [found.from.version?.number, found.to.version?.number, found.changes.map(({ name }) => name)];
    };

    assert.deepEqual(await compare({}, {}), [2, 3, ['A', 'KEY']]);
    assert.deepEqual(await compare({ number: 0 }, { number: 2 }), [undefined, 2, ['A', 'KEY']]);
    assert.deepEqual(await compare({ number: 2 }, { number: 2 }), [2, 2, []]);
    assert.deepEqual(await compare({}, { envName: 'other' }), [3, 2, ['KEY']]);
    await assert.rejects(compare({ number: 8 }, {}), { code: 'revision_not_found' });
  });
});

describe('applying configuration', () => {
  it('brings what was only recorded, and new values of secrets, to what runs', async () => {
    await shop.secret('KEY', 'first');
    await serving();
    await change({ set: { A: { secret: 'KEY' } } });
    await test.work();
    const apply = () => applyConfiguration(test.platform, shop.caller, shop.project.id, 'test');

    const nothing = await apply();
    const secret = await setSecret(test.platform, shop.caller, {
      projectId: shop.project.id,
      key: 'KEY',
      value: 'new',
    });
    const old = await secretUses(test.platform, shop.caller, secret);
    await change({ set: { B: plain('1') }, deploy: false });
    const applied = await apply();
    await test.work();

    assert.deepEqual([nothing.deploy, nothing.running], [null, true]);
    assert.deepEqual(old, [{ project: 'shop', environment: 'test', current: false }]);
    assert.deepEqual([applied.changes, applied.secrets], [1, ['KEY']]);
    assert.equal((await environmentNow(test, shop)).currentRevisionId, applied.deploy?.revisionId);
    assert.deepEqual(await secretUses(test.platform, shop.caller, secret), [{ ...old[0], current: true }]);
    assert.equal((await apply()).deploy, null);
    await environment('empty');
    const empty = await applyConfiguration(test.platform, shop.caller, shop.project.id, 'empty');
    assert.deepEqual([empty.deploy, empty.running], [null, false]);
  });
});

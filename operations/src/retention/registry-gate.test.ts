import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { eachOnSampleProject, type SampleProject, type TestPlatform, testRegistry } from '../../testing/index.ts';
import { issueRegistryToken } from '../registry/issue-registry-token.ts';
import { createRelease } from '../releases/create-release.ts';
import { closeRegistryGate, hold } from './registry-gate.ts';

const never = new AbortController().signal;
let test: TestPlatform;
let shop: SampleProject;

eachOnSampleProject((scene) => {
  ({ test, shop } = scene);
});

async function close() {
  return (await closeRegistryGate(test.platform, 5_000, never)) ?? assert.fail('The gate is closed.');
}

describe('while the registry is closed', () => {
  it('builds that have not begun wait, and are carried out when it is open again', async () => {
    const gate = await close();
    const { run } = await shop.build(await shop.commit());
    await test.work(async () => (await test.platform.queue.position('execute-build-run', run.id))?.reason === 'lock');
    assert.equal((await test.platform.store.buildRuns.get(run.tenantId, run.id)).status, 'pending');

    await gate[Symbol.asyncDispose]();
    await test.work();

    assert.equal((await test.platform.store.buildRuns.get(run.tenantId, run.id)).status, 'completed');
  });

  it('no token is given to push with, and every one to pull with', async () => {
    const signed: string[] = [];
    const platform = {
      ...test.platform,
      registryTokens: {
        sign: async ({ scopes }: { scopes: readonly { actions: readonly string[] }[] }) => {
          signed.push(scopes.flatMap(({ actions }) => actions).join());
          return { token: 't', expiresInSeconds: 300, issuedAt: new Date() };
        },
      },
    };
    const expiresAt = new Date(Date.now() + 60_000);
    const grant = { tenantId: shop.organisation.id, subject: 'brun_1', prefix: 'acme/shop/', expiresAt };
    const login = await platform.registryLogins.issue({ ...grant, actions: ['pull', 'push'] });
    const ask = (actions: string) =>
      issueRegistryToken(platform, { ...login, service: '', scopes: [`repository:acme/shop/web:${actions}`] });

    {
      await using _closed = await close();
      await ask('pull');
      await assert.rejects(ask('pull,push'), { code: 'registry_unavailable' });
    }
    await ask('pull,push');

    assert.deepEqual(signed, ['pull', 'pull,push']);
  });

  it('a release waits, and looks for its images again', async () => {
    const { spec } = await shop.built(await shop.commit());
    const [artifact] = await test.platform.store.buildArtifacts.listOfBuild(spec.tenantId, spec.id);
    const gate = await close();
    const making = createRelease(test.platform, shop.caller, shop.project.id, { buildId: spec.id });
    making.catch(() => undefined);
    await sleep(300);
    test.registry.lose(artifact?.digests.digest ?? '');
    await gate[Symbol.asyncDispose]();

    await assert.rejects(making, { code: 'artifacts_missing', message: /is no longer in the registry/ });
  });

  it('nobody else closes it', async () => {
    await using _closed = await close();

    assert.equal(await closeRegistryGate(test.platform, 10, never), null);
  });
});

describe('closing the registry', () => {
  it('waits for builds under way, and gives up when they take too long', async () => {
    const { run } = await shop.build(await shop.commit());
    const { work } = await test.platform.queue.claim({ worker: 'w', classes: ['build'], leaseMs: 60_000 });
    assert.equal(work?.id, run.id);

    assert.equal(await closeRegistryGate(test.platform, 20, never), null);
    const closing = close();
    await sleep(100);
    assert.equal((await test.platform.store.locks.look('registry_pushes')).held, false);
    await test.platform.store.queue.requeue(work.lease, 60_000, 'retry_delay');

    await using _closed = await closing;
    assert.equal((await test.platform.store.locks.look('registry_pushes')).held, true);
  });
});

describe('a lock of the installation', () => {
  const take = (holder: string, forMs: number) => test.platform.store.locks.take('garbage', holder, { forMs });

  it('is one holder’s at a time, can be held for longer, and ends by itself when its holder died', async () => {
    assert.equal(await take('one', 60_000), true);
    assert.equal(await take('two', 60_000), false);
    assert.equal(await take('one', 50), true);
    await sleep(100);
    assert.equal((await test.platform.store.locks.look('garbage')).held, false);
    assert.equal(await take('two', 60_000), true);
    assert.equal(await take('one', 60_000), false);
    await test.platform.store.locks.release('garbage', 'one');
    assert.deepEqual(await test.platform.store.locks.look('garbage'), { held: true, times: 2 });
  });

  it('rests after it was taken for as long as is asked', async () => {
    const held = await hold(test.platform, 'garbage', never, 60_000);
    await held?.[Symbol.asyncDispose]();

    assert.equal(await hold(test.platform, 'garbage', never, 60_000), null);
    await using again = await hold(test.platform, 'garbage', never);
    assert.ok(again);
  });

  it('that changes while something that names images is recorded makes it look again', async () => {
    test.registry.push(`${testRegistry}/acme/shop/web@sha256:${'1'.repeat(64)}`, `sha256:${'1'.repeat(64)}`);
    test.registry.push(`${testRegistry}/acme/shop/jobs@sha256:${'2'.repeat(64)}`, `sha256:${'2'.repeat(64)}`);
    const commit = await shop.commit();
    const { registry } = test.platform;
    let looks = 0;
    const platform = {
      ...test.platform,
      registry: {
        ...registry,
        async inspect(...given: Parameters<typeof registry.inspect>) {
          looks += 1;
          // Between the first look and the record somebody has collected.
          if (looks === 1) await (await close())[Symbol.asyncDispose]();
          return registry.inspect(...given);
        },
      },
    };
    const imageDigests = { web: `sha256:${'1'.repeat(64)}`, jobs: `sha256:${'2'.repeat(64)}` };

    await createRelease(platform, shop.caller, shop.project.id, { ...commit, imageDigests, version: '1.0.0' });

    assert.equal(looks, 4);
  });
});

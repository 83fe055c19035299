import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { TestDatabase } from '@eve/adapter-postgres/testing';
import {
  askForDeploy,
  builtCommit,
  deployed,
  digestOf,
  eachOnSampleProject,
  environmentNow,
  type SampleProject,
  sampleManifest,
  type TestPlatform,
} from '../../testing/index.ts';
import { cancelDeploy } from './cancel-deploy.ts';

let db: TestDatabase;
let test: TestPlatform;
let shop: SampleProject;

eachOnSampleProject((scene) => {
  ({ db, test, shop } = scene);
});

/** What runs, as `service of revision`. */
const running = () =>
  test.deployer.instances.map(({ name }) => name.replace(/^.*-(web|jobs)-(\d+)-\d+$/, '$1#$2')).sort();

describe('a deploy', () => {
  it('serves when it is healthy, under names that the router knows', async () => {
    const deploy = await deployed(test, shop, await builtCommit(shop));

    const environment = await environmentNow(test, shop);
    assert.equal(deploy.status, 'healthy');
    assert.equal(environment.currentRevisionId, deploy.revisionId);
    assert.equal(environment.lastDeployId, deploy.id);
    assert.deepEqual(running(), ['jobs#1', 'web#1']);
    const [route, ...more] = test.router.tables.at(-1)?.routes ?? [];
    assert.equal(more.length, 0);
    assert.equal(route?.id, `${environment.id}/web/8000`);
    assert.deepEqual(route?.labels, ['web--test--shop', 'web--test--shop--acme']);
    assert.equal(route?.port, 30_000);
    assert.deepEqual(
      route?.backends.map(({ state, weight }) => [state, weight]),
      [['serving', 1]],
    );
    const lines = await test.lines(deploy);
    assert.ok(lines.includes('Deploying test#1') && lines.includes('Traffic moved'));
  });

  it('runs images by digest with values resolved', async () => {
    await shop.secret('KEY', 'a-secret');
    const commit = await builtCommit(
      shop,
      `services:
  web:
    build: { context: web }
    ports: ["8000"]
    environment: { KEY: "\${secret.KEY}", PRICE: "$$5", TEMPLATE: "$\${secret.OTHER}", WHERE: "\${ENV_NAME}" }
`,
    );

    const deploy = await deployed(test, shop, commit);

    const [web] = test.deployer.applied.at(-1)?.services ?? [];
    const { KEY, PRICE, TEMPLATE, WHERE } = web?.environment ?? {};
    assert.deepEqual(
      { KEY, PRICE, TEMPLATE, WHERE },
      { KEY: 'a-secret', PRICE: '$5', TEMPLATE: `\${secret.OTHER}`, WHERE: 'test' },
    );
    assert.match(web?.image ?? '', /^registry\.test:5000\/acme\/shop\/web@sha256:[0-9a-f]{64}$/);
    assert.equal(web?.login?.username, deploy.id);
  });

  it('leaves alone what did not change and retires the rest only once it is healthy', async () => {
    await deployed(test, shop, await builtCommit(shop));
    const before = test.deployer.instances.find(({ service }) => service === 'jobs');
    test.builder.script.jobs = { digest: before ? digestOf('same') : '' };
    await deployed(test, shop, await builtCommit(shop));
    const kept = running();
    const removed: string[][] = [];
    const { remove } = test.deployer;
    test.deployer.remove = async (instances, signal) => {
      const { currentRevisionId } = await environmentNow(test, shop);
      removed.push([...instances.map(({ service }) => service), currentRevisionId ?? 'none']);
      await remove(instances, signal);
    };

    const deploy = await deployed(test, shop, await builtCommit(shop));

    assert.deepEqual(kept, ['jobs#2', 'web#2']);
    assert.deepEqual(running(), ['jobs#2', 'web#3']);
    assert.deepEqual(removed, [['web', deploy.revisionId]]);
  });

  it('waits for requests that still run before it removes what it replaced', async () => {
    await deployed(test, shop, await builtCommit(shop));
    const old = test.deployer.instances.find(({ service }) => service === 'web')?.name ?? '';
    test.router.activeOn[old] = 1;
    const states: string[] = [];
    const { active } = test.router;
    test.router.active = (name) => {
      states.push(
        test.router
          .backends('web')
          .find((backend) => backend.startsWith(old))
          ?.split(' ')[1] ?? 'gone',
      );
      return active(name);
    };

    await deployed(test, shop, await builtCommit(shop));

    assert.equal(states[0], 'draining');
    assert.deepEqual(running(), ['jobs#2', 'web#2']);
  });

  it('leaves the old revision serving and removes the new when it fails', async () => {
    const good = await deployed(test, shop, await builtCommit(shop));
    const serving = test.router.backends('web');
    test.deployer.script.web = { unhealthy: true };

    const deploy = await deployed(test, shop, await builtCommit(shop));

    assert.equal(deploy.status, 'failed');
    assert.equal(deploy.failure?.code, 'health_check_failed');
    assert.deepEqual(deploy.failure?.logs, ['cannot reach the database']);
    assert.equal(deploy.failure?.probes[0]?.detail, 'GET /health: 503');
    assert.deepEqual(running(), ['jobs#1', 'web#1']);
    assert.deepEqual(test.router.backends('web'), serving);
    const environment = await environmentNow(test, shop);
    assert.equal(environment.currentRevisionId, good.revisionId);
    assert.equal(environment.lastDeployId, deploy.id);
    assert.ok((await test.lines(deploy)).includes('cannot reach the database'));
  });

  it('fails when the runtime reports another digest, or a container has exited', async () => {
    test.deployer.script.web = { digests: [digestOf('something else')] };
    const mismatch = await deployed(test, shop, await builtCommit(shop));
    test.deployer.script.web = { exits: true };

    const exited = await deployed(test, shop, await builtCommit(shop));

    assert.equal(mismatch.failure?.code, 'digest_mismatch');
    assert.equal(exited.failure?.code, 'container_exited');
    assert.deepEqual(running(), []);
    assert.deepEqual(test.router.backends('web'), []);
  });

  it('gives traffic and names back when it fails after the switch', async () => {
    await deployed(test, shop, await builtCommit(shop));
    const [serving, named] = [test.router.backends('web'), test.deployer.named('web')];
    test.onFailpoint = (name) => {
      // The runtime changes its mind just after the traffic has moved.
      if (name === 'after-switch')
        for (const each of test.deployer.instances) if (/-2-1$/.test(each.name)) each.digests = ['sha256:0'];
    };

    const deploy = await deployed(test, shop, await builtCommit(shop));

    assert.equal(deploy.failure?.code, 'digest_mismatch');
    assert.deepEqual(running(), ['jobs#1', 'web#1']);
    assert.deepEqual(test.router.backends('web'), serving);
    assert.deepEqual(test.deployer.named('web'), named);
  });

  it('removes what it started when it is cancelled, and only then says so', async () => {
    await deployed(test, shop, await builtCommit(shop));
    const commit = await builtCommit(shop);
    test.deployer.script.web = { hang: true };
    const { id, tenantId } = await askForDeploy(test, shop, commit);
    let asked = false;

    await test.work(async () => {
      const deploy = await test.platform.store.deploys.get(tenantId, id);
      if (deploy.status === 'cancelled') return true;
      if (asked || deploy.phase !== 'probing') return false;
      asked = true;
      assert.equal((await cancelDeploy(test.platform, shop.caller, id)).status, 'deploying');
      return false;
    });

    assert.deepEqual(running(), ['jobs#1', 'web#1']);
    const { rows } = await db.pool.query(
      "select actor from transitions where subject_id = $1 and event = 'request_cancel'",
      [id],
    );
    assert.deepEqual(rows, [{ actor: shop.caller.actor }]);
    await assert.rejects(cancelDeploy(test.platform, shop.caller, id), { code: 'deploy_finished' });
  });

  it('is cancelled at once while it waits, also for its next attempt', async () => {
    const waiting = await askForDeploy(test, shop, await builtCommit(shop));
    assert.equal((await cancelDeploy(test.platform, shop.caller, waiting.id)).status, 'cancelled');
    const again = await askForDeploy(test, shop, await builtCommit(shop));
    await test.killAt('deploy', 'after-start-instances');

    await cancelDeploy(test.platform, shop.caller, again.id);
    await test.work();

    assert.equal((await test.platform.store.deploys.get(again.tenantId, again.id)).status, 'cancelled');
    assert.deepEqual(running(), []);
  });

  it('takes the place of those that wait', async () => {
    const [one, two] = [await builtCommit(shop), await builtCommit(shop)];
    const first = await askForDeploy(test, shop, one);

    const second = await deployed(test, shop, two);

    assert.equal((await test.platform.store.deploys.get(first.tenantId, first.id)).status, 'superseded');
    assert.equal(second.status, 'healthy');
    assert.deepEqual(running(), ['jobs#2', 'web#2']);
  });

  it('is given up after an outage that does not end, and what served serves on', async () => {
    await deployed(test, shop, await builtCommit(shop));
    const { id, tenantId } = await askForDeploy(test, shop, await builtCommit(shop));
    const now = () => test.platform.store.deploys.get(tenantId, id);
    const { observe } = test.deployer;
    test.deployer.observe = async () => {
      throw new Error('the engine is away');
    };

    await test.work(async () => (await now()).completedAt !== null);
    test.deployer.observe = observe;
    await test.work();

    assert.equal((await now()).failure?.code, 'infrastructure_error');
    assert.match(test.router.backends('web').join(), /-web-1-1 serving$/);
  });

  it('leaves nothing behind when the engine is back that was away while it was given up', async () => {
    for (const served of [false, true]) {
      if (served) await deployed(test, shop, await builtCommit(shop));
      const asked = await askForDeploy(test, shop, await builtCommit(shop));
      await test.killAt('deploy', 'after-start-instances');
      const { observe } = test.deployer;
      test.deployer.observe = async () => {
        throw new Error('the engine is away');
      };
      const deploy = () => test.platform.store.deploys.get(asked.tenantId, asked.id);
      await test.work(async () => (await deploy()).status === 'failed');
      test.deployer.observe = observe;

      await test.work();

      assert.deepEqual(running(), served ? ['jobs#2', 'web#2'] : []);
    }
  });

  it('fails when a secret was deleted after it was asked for', async () => {
    await shop.secret('KEY', 'value');
    const manifest = `${sampleManifest}    environment: { KEY: "\${secret.KEY}" }\n`;
    const asked = await askForDeploy(test, shop, await builtCommit(shop, manifest));
    await test.platform.store.secrets.delete(asked.tenantId, shop.project.id, 'KEY', new Date());

    await test.work();

    const deploy = await test.platform.store.deploys.get(asked.tenantId, asked.id);
    assert.equal(deploy.failure?.code, 'secret_missing');
  });

  it('does not take a port that another program has', async () => {
    test.router.busyPorts.add(30_000);
    await deployed(test, shop, await builtCommit(shop));
    const commit = await builtCommit(shop, sampleManifest.replace('"8000"', '"30000:8000"'));

    const taken = await deployed(test, shop, commit);

    assert.equal(test.router.tables.at(-1)?.routes[0]?.port, 30_001);
    assert.equal(taken.failure?.code, 'port_in_use');
  });
});

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Deploy } from '@eve/domain';
import {
  askForDeploy,
  builtCommit,
  deployed,
  eachOnSampleProject,
  runningNow,
  type SampleProject,
  servingNow,
  type TestPlatform,
} from '../../testing/index.ts';

let test: TestPlatform;
let shop: SampleProject;

eachOnSampleProject((scene) => {
  ({ test, shop } = scene);
});

const manifest = `services:
  web:
    build: { context: web }
    ports: ["8000"]
    depends_on: [api]
    x-eve: { release_command: migrate }
  api:
    build: { context: web }
    depends_on: [db]
  db:
    build: { context: jobs }
    ports: ["5432/tcp"]
    deploy: { replicas: 2 }
    environment: { VERSION: "1" }
  mail:
    build: { context: jobs }
`;
const newer = manifest.replace('VERSION: "1"', 'VERSION: "2"');
const all = (revision: number) => ['api', 'db', 'db', 'mail', 'web'].map((name) => `${name}#${revision}`);
const deployNow = ({ tenantId, id }: Deploy) => test.platform.store.deploys.get(tenantId, id);

/** What runs when each release command runs, and what it is that gets traffic. */
function watched(ends: { code?: number } = {}): string[][] {
  const seen: string[][] = [];
  test.runner.script = () => {
    seen.push(runningNow(test));
    return ends;
  };
  return seen;
}

describe('what a release command needs', () => {
  it('is brought up before it on a first deploy, and stays as it is afterwards', async () => {
    const seen = watched();

    const deploy = await deployed(test, shop, await builtCommit(shop, manifest));

    assert.equal(deploy.status, 'healthy');
    assert.deepEqual(seen, [['api#1', 'db#1', 'db#1']]);
    assert.deepEqual(test.deployer.limits[0], { web: 0, api: 1, db: 2, mail: 0 });
    assert.deepEqual(runningNow(test), all(1));
    const { traffic } = await servingNow(test, shop);
    assert.deepEqual(traffic, ['db#1 1', 'db#1 1', 'web#1 1']);
    const said = await test.lines(deploy);
    assert.ok(said.includes('It needs api, db, of which nothing serves yet'));
    assert.equal(said.filter((line) => /^Started .*-db-1-1$/.test(line)).length, 1);
  });

  it('is left alone where an older form of it serves, and only that which is new is brought up', async () => {
    await deployed(test, shop, await builtCommit(shop, manifest));
    const seen = watched();

    await deployed(
      test,
      shop,
      await builtCommit(
        shop,
        newer.replace('[db]', '[db, cache]').concat(`  cache:
    build: { context: jobs }
`),
      ),
    );

    assert.deepEqual(seen, [[...all(1), 'cache#2'].sort()]);
    assert.deepEqual(test.deployer.limits[2], { web: 0, api: 0, db: 0, mail: 0, cache: 1 });
  });

  it('is removed again with all else when the command fails on a first deploy', async () => {
    watched({ code: 1 });

    const deploy = await deployed(test, shop, await builtCommit(shop, manifest));

    assert.equal(deploy.failure?.code, 'release_command_failed');
    assert.deepEqual(deploy.failure?.instances.map(({ service }) => service).sort(), ['api', 'db', 'db']);
    assert.deepEqual(test.deployer.instances, []);
    assert.deepEqual(await servingNow(test, shop), { names: [], traffic: [] });
  });

  it('fails the deploy when it does not become healthy, and the command does not run', async () => {
    test.deployer.script.db = { unhealthy: true };

    const deploy = await deployed(test, shop, await builtCommit(shop, manifest));

    assert.deepEqual([deploy.failure?.code, deploy.failure?.service], ['health_check_failed', 'db']);
    assert.deepEqual([test.runner.started, test.deployer.instances], [[], []]);
  });

  for (const strategy of ['blue-green', 'rolling', 'canary:10']) {
    it(`is there once although the worker dies after the command: ${strategy}`, async () => {
      watched();
      const asked = await askForDeploy(test, shop, { ...(await builtCommit(shop, manifest)), strategy });
      await test.killAt('deploy', 'after-release-command');
      const meanwhile = runningNow(test);

      await test.work();

      assert.deepEqual(meanwhile, ['api#1', 'db#1', 'db#1']);
      assert.equal((await deployNow(asked)).status, 'healthy');
      assert.equal(test.runner.started.length, 1);
      assert.deepEqual(runningNow(test), all(1));
      assert.deepEqual((await servingNow(test, shop)).names, all(1));
    });
  }
});

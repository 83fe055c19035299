import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type Deploy, PlatformError } from '@eve/domain';
import {
  askForDeploy,
  builtCommit,
  deployed,
  eachOnSampleProject,
  runningNow,
  type SampleProject,
  type TestPlatform,
} from '../../testing/index.ts';
import { cancelDeploy } from './cancel-deploy.ts';
import { stopReleaseCommands } from './release-command.ts';
import { rollbackEnvironment } from './rollback-environment.ts';

let test: TestPlatform;
let shop: SampleProject;

eachOnSampleProject((scene) => {
  ({ test, shop } = scene);
});

const manifest = (command = 'npm run migrate') => `services:
  web:
    build: { context: web }
    ports: ["8000"]
    depends_on: [jobs]
    environment: { KEY: "\${secret.KEY}" }
    x-eve: { release_command: ${command} }
  jobs:
    build: { context: jobs }
    x-eve: { release_command: [prepare, --all] }
`;
const deployNow = ({ tenantId, id }: Deploy) => test.platform.store.deploys.get(tenantId, id);

describe('a release command', () => {
  it('runs once per deploy, in the order of depends_on, before anything else is started', async () => {
    await shop.secret('KEY', 'a-secret-value');
    test.runner.script = ({ image }) => {
      assert.deepEqual(runningNow(test), image.includes('-jobs@') || image.includes('/jobs@') ? [] : ['jobs#1']);
      return { lines: [`ran in ${image.split('/')[3]?.split('@')[0]} with a-secret-value`] };
    };

    const deploy = await deployed(test, shop, await builtCommit(shop, manifest()));

    assert.equal(deploy.status, 'healthy');
    assert.deepEqual(
      deploy.releaseCommands.map(({ service, command, exitCode }) => [service, command, exitCode]),
      [
        ['jobs', ['prepare', '--all'], 0],
        ['web', ['npm run migrate'], 0],
      ],
    );
    const [jobs, web] = test.runner.plans;
    assert.deepEqual([jobs?.entrypoint, jobs?.command], [null, ['prepare', '--all']]);
    assert.deepEqual([web?.entrypoint, web?.command], [['/bin/sh', '-c'], ['npm run migrate']]);
    assert.equal(web?.environment.KEY, 'a-secret-value');
    assert.equal(web?.place, test.deployer.applied[0]?.place);
    const lines = await test.platform.logs.read(deploy, { step: 'release_command' });
    const printed = lines.filter(({ stream }) => stream === 'stdout').map(({ service, text }) => [service, text]);
    assert.deepEqual(printed, [
      ['jobs', 'ran in jobs with ***'],
      ['web', 'ran in web with ***'],
    ]);
    assert.deepEqual(await test.runner.list(), []);
  });

  it('stops the deploy when it fails, runs out of time or memory, and nothing stays', async () => {
    await shop.secret('KEY', 'a-secret-value');
    const slow = manifest('{ command: npm run migrate, timeout: 1s }');
    test.runner.script = ({ name }) => (name.includes('web') ? { lines: ['no such table'], code: 3 } : {});
    const failed = await deployed(test, shop, await builtCommit(shop, manifest()));
    test.runner.script = ({ name }) => (name.includes('web') ? { hang: true } : {});

    const late = await deployed(test, shop, await builtCommit(shop, slow));
    test.runner.script = () => ({ code: 137, outOfMemory: true });
    const big = await deployed(test, shop, await builtCommit(shop, manifest()));

    for (const { failure } of [failed, late, big]) assert.equal(failure?.code, 'release_command_failed');
    assert.match(failed.failure?.message ?? '', /command of web \(npm run migrate\) exited with 3; nothing new serves/);
    assert.deepEqual(failed.failure?.logs, ['no such table']);
    assert.match(late.failure?.message ?? '', /did not end within 1 s/);
    assert.match(big.failure?.message ?? '', /of jobs \(prepare --all\) ran out of memory/);
    assert.deepEqual(test.deployer.instances, []);
    assert.ok(test.deployer.limits.every((upTo) => upTo?.web === 0));
    assert.deepEqual(await test.runner.list(), []);
  });

  it('is followed on by the next worker, and ended when the deploy is cancelled', async () => {
    await shop.secret('KEY', 'a-secret-value');
    const commit = await builtCommit(shop, manifest());
    test.runner.script = () => ({ lines: ['one', 'two'], hang: true });
    const asked = await askForDeploy(test, shop, commit);
    await test.work(
      async () => (await deployNow(asked)).releaseCommands.length === 1 && test.runner.started.length === 1,
    );

    // The worker has stopped; another one follows what still runs.
    await test.work(async () => test.runner.plans.length > 1);
    const running = await test.runner.list();
    await cancelDeploy(test.platform, shop.caller, asked.id);
    await test.work();

    assert.equal(running.length, 1);
    assert.equal(test.runner.started.length, 1);
    const printed = (await test.platform.logs.read(asked, {})).filter(({ stream }) => stream === 'stdout');
    assert.deepEqual(
      printed.map(({ text }) => text),
      ['one', 'two'],
      'what the first worker has printed does not come again',
    );
    assert.deepEqual(await test.runner.list(), []);
    assert.equal((await deployNow(asked)).status, 'cancelled');
  });

  it('fails for want of its image as every service does', async () => {
    await shop.secret('KEY', 'a-secret-value');
    test.runner.script = ({ name }) => {
      if (!name.includes('web')) return {};
      throw new PlatformError('image_unknown', `The image of ${name} cannot be had.`);
    };

    const { failure, releaseCommands } = await deployed(test, shop, await builtCommit(shop, manifest()));

    assert.deepEqual([failure?.code, failure?.service], ['image_pull_error', 'web']);
    assert.match(failure?.message ?? '', /cannot be had/);
    assert.deepEqual(
      releaseCommands.map(({ service, exitCode, completedAt }) => [service, exitCode, completedAt !== null]),
      [
        ['jobs', 0, true],
        ['web', null, true],
      ],
    );
  });

  it('is not begun anew when the cluster has lost it: nobody knows what it had done by then', async () => {
    await shop.secret('KEY', 'a-secret-value');
    const { follow } = test.runner;
    test.runner.follow = async function* (ref, cursor, signal) {
      if (!ref.includes('web')) return yield* follow(ref, cursor, signal);
      throw new PlatformError('record_changed', `The run ${ref} was removed while it was followed.`);
    };

    const { status, failure } = await deployed(test, shop, await builtCommit(shop, manifest()));

    assert.deepEqual([status, failure?.code, failure?.service], ['failed', 'release_command_failed', 'web']);
    assert.match(failure?.message ?? '', /ended, and nobody knows how \(The run .* was removed/);
    assert.equal(test.runner.started.filter((name) => name.includes('web')).length, 1);
    assert.deepEqual(await test.runner.list(), []);
  });

  it('leaves nothing behind although its worker died between its end and its removal', async () => {
    await shop.secret('KEY', 'a-secret-value');
    const deploy = await deployed(test, shop, await builtCommit(shop, manifest()));
    const [plan] = test.runner.plans;
    const [target] = test.deployer.applied;
    assert.ok(plan && target);
    await test.runner.ensure(plan, { workId: 'work_01k00000000000000000000000', fence: 1 });

    await stopReleaseCommands(test.platform, { deploy, target });

    assert.deepEqual(await test.runner.list(), []);
  });

  it('does not run when somebody goes back', async () => {
    await shop.secret('KEY', 'a-secret-value');
    await deployed(test, shop, await builtCommit(shop, manifest()));
    await deployed(test, shop, await builtCommit(shop, manifest()));
    const before = test.runner.started.length;

    const { deploy } = await rollbackEnvironment(test.platform, shop.caller, {
      projectId: shop.project.id,
      envName: 'test',
    });
    await test.work();

    assert.equal(before, 4);
    assert.equal(test.runner.started.length, 4);
    assert.ok(deploy && (await deployNow(deploy)).status === 'healthy');
  });
});

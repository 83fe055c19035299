import assert from 'node:assert/strict';
import { it } from 'node:test';
import { PlatformError } from '@eve/domain';
import { sampleProject, testPlatform } from '../../testing/index.ts';
import { deleteEnvironment } from './delete-environment.ts';
import { requestDeploy } from './request-deploy.ts';

const signal = AbortSignal.timeout(20_000);

it('deleting an environment removes what runs in it, its routes and its records, unless a deploy is under way', async () => {
  await using test = await testPlatform();
  const { project, caller, commit } = await sampleProject(test);
  const remove = () =>
    deleteEnvironment(test.platform, caller, { projectId: project.id, envName: 'test', volumes: false }, signal);
  const first = await commit();
  await requestDeploy(test.platform, caller, { projectId: project.id, envName: 'test', ...first });
  await test.work();
  await requestDeploy(test.platform, caller, { projectId: project.id, envName: 'test', ...first, direct: true });
  await assert.rejects(remove(), { code: 'state_transition_invalid', message: /is under way/ });
  // What is left to be retired must not be looked for in an environment that has gone.
  const retirement = 'select from work where kind = $1';
  await test.work(async () => (await test.db.pool.query(retirement, ['execute-deploy'])).rowCount === 0);

  await remove();
  await test.work();

  assert.equal(await test.platform.store.environments.findByName(caller.tenantId, project.id, 'test'), null);
  assert.deepEqual(test.deployer.instances, []);
  assert.deepEqual(test.router.tables.at(-1)?.routes, []);
});

it('deleting an environment that failed half-way is asked for again, and nothing is deployed there meanwhile', async () => {
  await using test = await testPlatform();
  const { project, caller, commit } = await sampleProject(test);
  const remove = () =>
    deleteEnvironment(test.platform, caller, { projectId: project.id, envName: 'test', volumes: false }, signal);
  const first = await commit();
  await requestDeploy(test.platform, caller, { projectId: project.id, envName: 'test', ...first });
  await test.work();
  const { removeEnvironment } = test.deployer;
  test.deployer.removeEnvironment = async () => {
    throw new PlatformError('engine_unavailable', 'The engine does not answer.');
  };
  await assert.rejects(remove(), { code: 'engine_unavailable' });

  const deploy = requestDeploy(test.platform, caller, {
    projectId: project.id,
    envName: 'test',
    ...first,
    direct: true,
  });
  await assert.rejects(deploy, { code: 'environment_suspended', message: /being deleted by token:sample/ });
  test.deployer.removeEnvironment = removeEnvironment;
  await remove();

  assert.equal(await test.platform.store.environments.findByName(caller.tenantId, project.id, 'test'), null);
  assert.deepEqual(test.deployer.instances, []);
  await test.work();
});

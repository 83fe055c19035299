import type { Deploy, Environment } from '@eve/domain';
import { type RequestDeploy, requestDeploy } from '../src/deploys/request-deploy.ts';
import type { TestPlatform } from './platform.ts';
import type { SampleProject } from './sample-project.ts';

/** Asks for a direct deploy of a commit that was built, or whatever else is given. */
export async function askForDeploy(
  { platform }: Pick<TestPlatform, 'platform'>,
  { caller, project }: SampleProject,
  request: Omit<RequestDeploy, 'projectId' | 'envName'> & { envName?: string },
): Promise<Deploy> {
  const asked = { projectId: project.id, envName: 'test', direct: true, ...request };
  const answer = await requestDeploy(platform, caller, asked);
  if (!('deploy' in answer)) throw new Error('This went through a pipeline.');
  return answer.deploy;
}

/** As askForDeploy, worked to its end. */
export async function deployed(
  test: TestPlatform,
  shop: SampleProject,
  request: Parameters<typeof askForDeploy>[2],
): Promise<Deploy> {
  const { id, tenantId } = await askForDeploy(test, shop, request);
  await test.work();
  return test.platform.store.deploys.get(tenantId, id);
}

/** The environment as it is recorded now. */
export async function environmentNow(
  { platform }: Pick<TestPlatform, 'platform'>,
  { caller, project }: SampleProject,
  name = 'test',
): Promise<Environment> {
  const found = await platform.store.environments.findByName(caller.tenantId, project.id, name);
  if (!found) throw new Error(`There is no environment ${name}.`);
  return found;
}

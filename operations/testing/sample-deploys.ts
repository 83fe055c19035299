import type { Deploy, Environment } from '@eve/domain';
import { type RequestDeploy, requestDeploy } from '../src/deploys/request-deploy.ts';
import type { TestPlatform } from './platform.ts';
import type { Commit, SampleProject } from './sample-project.ts';

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

/** A commit whose build has completed. */
export async function builtCommit(shop: SampleProject, manifest?: string): Promise<Commit> {
  const commit = await shop.commit(manifest);
  const { run } = await shop.built(commit);
  if (run.status !== 'completed') throw new Error(`The build is ${run.status}.`);
  return commit;
}

/** What runs, as `service#revision` of what was started for it. */
export function runningNow({ deployer }: Pick<TestPlatform, 'deployer'>): string[] {
  return deployer.instances
    .filter(({ state }) => state === 'running')
    .map(({ name }) => shortName(name))
    .sort();
}

/** What serves: the instances that services' names mean, and those that get traffic from outside with their weights. */
export async function servingNow(
  test: Pick<TestPlatform, 'platform' | 'deployer'>,
  shop: SampleProject,
): Promise<{ names: string[]; traffic: string[] }> {
  const { id, tenantId } = await environmentNow(test, shop);
  const endpoints = await test.platform.store.endpoints.listOfEnvironment(tenantId, id);
  const named = test.deployer.instances.filter((each) => each.named && each.environmentId === id);
  return {
    names: named.map(({ name }) => shortName(name)).sort(),
    traffic: endpoints
      .filter(({ state }) => state === 'serving')
      .map(({ instance, weight }) => `${shortName(instance)} ${weight}`)
      .sort(),
  };
}

function shortName(instance: string): string {
  return instance.replace(/^.*-([a-z]+)-(\d+)-\d+$/, '$1#$2');
}

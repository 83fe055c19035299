import type { Environment } from '@eve/domain';
import type { Platform } from '../platform.ts';
import type { DeployTarget } from '../ports/deployer.ts';
import { type DeployContext, loadDeployContext } from './deploy-context.ts';

/** What serves an environment, as its deployer knows it; null while nothing has served yet. */
export async function currentTarget(
  platform: Parameters<typeof currentContext>[0],
  environment: Pick<Environment, 'id' | 'tenantId'>,
): Promise<DeployTarget | null> {
  return (await currentContext(platform, environment))?.target ?? null;
}

/** As currentTarget, with all that is known of the deploy that brought it. */
export async function currentContext(
  platform: Pick<Platform, 'store' | 'vault' | 'registryLogins' | 'settings' | 'now'>,
  { id, tenantId }: Pick<Environment, 'id' | 'tenantId'>,
): Promise<DeployContext | null> {
  const { currentRevisionId } = await platform.store.environments.get(tenantId, id);
  if (currentRevisionId === null) return null;
  const deploys = await platform.store.deploys.ofRevisions(tenantId, [currentRevisionId]);
  // One that turned out unstable may have been left to serve: then none of its revision was healthy.
  const deploy =
    deploys.findLast(({ status }) => status === 'healthy') ?? deploys.findLast(({ status }) => status === 'failed');
  return deploy ? loadDeployContext(platform, deploy) : null;
}

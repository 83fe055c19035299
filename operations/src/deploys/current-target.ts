import type { Environment } from '@eve/domain';
import type { Platform } from '../platform.ts';
import type { DeployTarget } from '../ports/deployer.ts';
import { loadDeployContext } from './deploy-context.ts';

/** What serves an environment, as its deployer knows it; null while nothing has served yet. */
export async function currentTarget(
  platform: Pick<Platform, 'store' | 'vault' | 'registryLogins' | 'settings' | 'now'>,
  { id, tenantId }: Pick<Environment, 'id' | 'tenantId'>,
): Promise<DeployTarget | null> {
  const { currentRevisionId } = await platform.store.environments.get(tenantId, id);
  if (currentRevisionId === null) return null;
  const deploys = await platform.store.deploys.ofRevisions(tenantId, [currentRevisionId]);
  // One that turned out unstable may have been left to serve: then none of its revision was healthy.
  const deploy =
    deploys.findLast(({ status }) => status === 'healthy') ?? deploys.findLast(({ status }) => status === 'failed');
  return deploy ? (await loadDeployContext(platform, deploy)).target : null;
}

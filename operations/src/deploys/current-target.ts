import type { Environment } from '@eve/domain';
import type { Platform } from '../platform.ts';
import type { DeployTarget } from '../ports/deployer.ts';
import { loadDeployContext } from './deploy-context.ts';

/** What serves an environment, as its deployer knows it; null while nothing has been healthy yet. */
export async function currentTarget(
  platform: Pick<Platform, 'store' | 'vault' | 'registryLogins' | 'settings' | 'now'>,
  { id, tenantId }: Pick<Environment, 'id' | 'tenantId'>,
): Promise<DeployTarget | null> {
  const { currentRevisionId } = await platform.store.environments.get(tenantId, id);
  if (currentRevisionId === null) return null;
  const { items } = await platform.store.deploys.list(tenantId, id, { limit: 100, status: 'healthy' });
  const deploy = items.find(({ revisionId }) => revisionId === currentRevisionId);
  return deploy ? (await loadDeployContext(platform, deploy)).target : null;
}

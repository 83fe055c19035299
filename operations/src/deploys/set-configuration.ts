import { type ConfigValue, type ConfigVersion, type Deploy, PlatformError, type ProjectId } from '@eve/domain';
import { authorize, type Caller } from '../caller.ts';
import { getEnvironment } from '../environments/get-environment.ts';
import type { Platform } from '../platform.ts';
import { queueDeploy } from './queue-deploy.ts';

export interface SetConfiguration {
  readonly projectId: ProjectId;
  readonly envName: string;
  /** `*`, the default, is every service. */
  readonly service?: string;
  readonly set: Readonly<Record<string, ConfigValue>>;
  readonly unset: readonly string[];
  readonly message?: string;
  /** Whether what runs is deployed with it at once; the default. */
  readonly deploy?: boolean;
}

/** Adds a version of an environment's configuration and, unless told not to, deploys the running release with it. */
export async function setConfiguration(
  platform: Pick<Platform, 'store' | 'now' | 'newId' | 'vault'>,
  caller: Caller,
  request: SetConfiguration,
): Promise<{ version: ConfigVersion; deploy: Deploy | null }> {
  const { projectId, envName, service = '*', set, unset, message = null, deploy = true } = request;
  authorize(caller, 'configure', projectId);
  const { store, now, newId } = platform;
  const wrong = [...Object.keys(set), ...unset].filter((name) => !/^[A-Za-z_][A-Za-z0-9_]*$/.test(name));
  if (wrong.length > 0) throw new PlatformError('request_invalid', `Not a variable name: ${wrong.join(', ')}.`);
  const environment = await getEnvironment(platform, caller, projectId, envName);
  const before = await store.configVersions.latest(environment.tenantId, environment.id);
  const values = Object.fromEntries(
    Object.entries({ ...before?.values[service], ...set }).filter(([name]) => !unset.includes(name)),
  );
  const wanted = {
    id: newId('cfg'),
    tenantId: environment.tenantId,
    environmentId: environment.id,
    values: { ...before?.values, [service]: values },
    message,
    createdBy: caller.actor,
    createdAt: now(),
  };
  if (!deploy || !environment.currentRevisionId) {
    const version = await store.transaction(async ({ configVersions }) =>
      inOrder(await configVersions.insert(wanted), before),
    );
    return { version, deploy: null };
  }
  const current = await store.revisions.get(environment.tenantId, environment.currentRevisionId);
  const release = await store.releases.get(environment.tenantId, current.releaseId);
  const made = await queueDeploy(platform, {
    environment,
    release,
    cause: 'configuration',
    actor: caller.actor,
    newConfig: wanted,
    also: async (_records, { config }) => void inOrder(config, before),
  });
  return { version: made.config, deploy: made.deploy };
}

/** Refuses a version that would take back what somebody else has set since it was read. */
function inOrder(version: ConfigVersion, before: ConfigVersion | null): ConfigVersion {
  if (version.number === (before?.number ?? 0) + 1) return version;
  throw new PlatformError('record_changed', 'The configuration was changed at the same time: try again.');
}

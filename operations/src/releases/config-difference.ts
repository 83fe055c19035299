import type { ConfigValue, ConfigVersion, Release } from '@eve/domain';
import type { Caller } from '../caller.ts';
import { getEnvironment } from '../environments/get-environment.ts';
import type { Platform } from '../platform.ts';

/** A key that is set otherwise. Null: it was not set, or is not set any more; a secret is shown by its name. */
export interface ConfigDifference {
  /** `*` for every service. */
  readonly service: string;
  readonly key: string;
  readonly before: ConfigValue | null;
  readonly after: ConfigValue | null;
}

const mostRevisions = 100;

/** The configuration with which an environment ran a release last; its newest where it did not. Null without an environment. */
export async function configOfRelease(
  { store }: Pick<Platform, 'store'>,
  caller: Caller,
  release: Release,
  envName: string | undefined,
): Promise<ConfigVersion | null> {
  if (envName === undefined) return null;
  const { tenantId, id } = await getEnvironment({ store }, caller, release.projectId, envName);
  const { items } = await store.revisions.list(tenantId, id, { limit: mostRevisions });
  const revision = items.find(({ releaseId }) => releaseId === release.id);
  return revision
    ? store.configVersions.get(tenantId, revision.configVersionId)
    : store.configVersions.latest(tenantId, id);
}

/** What differs between two configurations, by service and key. */
export function configDifferences(
  then: Pick<ConfigVersion, 'values'> | null,
  now: Pick<ConfigVersion, 'values'> | null,
): readonly ConfigDifference[] {
  const [before, after] = [then?.values ?? {}, now?.values ?? {}];
  return [...new Set([...Object.keys(before), ...Object.keys(after)])].sort().flatMap((service) => {
    const [was, is] = [before[service] ?? {}, after[service] ?? {}];
    return [...new Set([...Object.keys(was), ...Object.keys(is)])].sort().flatMap((key) => {
      const difference = { service, key, before: was[key] ?? null, after: is[key] ?? null };
      return isSame(difference.before, difference.after) ? [] : [difference];
    });
  });
}

function isSame(one: ConfigValue | null, other: ConfigValue | null): boolean {
  if (!one || !other) return one === other;
  return 'plain' in one
    ? 'plain' in other && one.plain === other.plain
    : 'secret' in other && one.secret === other.secret;
}

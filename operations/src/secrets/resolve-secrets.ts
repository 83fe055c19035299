import type { Project, SecretVersion, SecretVersionId } from '@eve/domain';
import type { Platform } from '../platform.ts';

/** Secrets opened, with the versions that were opened, and the names that are set nowhere. */
export interface ResolvedSecrets {
  readonly values: Record<string, string>;
  readonly versions: Record<string, SecretVersionId>;
  readonly missing: string[];
}

/** Opens secrets by name: the project's, the organisation's, then the installation's. A pinned version is taken unless it was revoked; then the current one is. */
export async function resolveSecrets(
  { store, vault }: Pick<Platform, 'store' | 'vault'>,
  { tenantId, id }: Pick<Project, 'tenantId' | 'id'>,
  keys: Iterable<string>,
  pinned: Readonly<Record<string, SecretVersionId>> = {},
): Promise<ResolvedSecrets> {
  const wanted = [...new Set(keys)];
  const resolved: ResolvedSecrets = { values: {}, versions: {}, missing: [] };
  const winning = await store.secrets.winning(tenantId, id, wanted);
  const current = new Map(winning.map(({ secret, version }) => [secret.key, version]));
  for (const key of wanted) {
    const version = (await pinnedVersion(key)) ?? current.get(key);
    if (version) {
      resolved.values[key] = await vault.open(version.sealed);
      resolved.versions[key] = version.id;
    } else resolved.missing.push(key);
  }
  return resolved;

  async function pinnedVersion(key: string): Promise<SecretVersion | null> {
    const versionId = Object.hasOwn(pinned, key) ? pinned[key] : undefined;
    const version = versionId ? await store.secrets.findVersion(tenantId, versionId) : null;
    return version?.revokedAt ? null : version;
  }
}

import type { ImagePlace, Manifest, OrganisationId, ProjectId } from '@eve/domain';
import { type ImageOwner, projectPrefix } from '../builds/image-place.ts';
import type { Platform } from '../platform.ts';
import type { RegistryLogin } from '../ports/builder.ts';
import { resolveSecrets } from '../secrets/resolve-secrets.ts';

/** The key under which Docker looks up credentials of a host. */
export function authKeyOf(host: string): string {
  return host === 'docker.io' ? 'https://index.docker.io/v1/' : host;
}

/** Logins that open the registries of a manifest for one build run or deploy; none for `none` or absent secrets. */
export async function registryLogins(
  platform: Pick<Platform, 'store' | 'vault' | 'registryLogins' | 'settings'>,
  { registry }: Pick<Manifest, 'registry'>,
  owner: ImageOwner & { tenantId: OrganisationId; projectId: ProjectId },
  { subject, actions, expiresAt }: { subject: string; actions: readonly ('pull' | 'push')[]; expiresAt: Date },
): Promise<readonly RegistryLogin[]> {
  const logins: RegistryLogin[] = [];
  if (platform.settings.registryHost) {
    const grant = { tenantId: owner.tenantId, subject, prefix: projectPrefix(owner), actions, expiresAt };
    logins.push(await platform.registryLogins.issue(grant));
  }
  if (registry.mode === 'own') {
    const names = [registry.usernameSecret, registry.tokenSecret, 'GHCR_USERNAME', 'GHCR_TOKEN'];
    const { values } = await resolveSecrets(platform, { tenantId: owner.tenantId, id: owner.projectId }, names);
    const username = values[registry.usernameSecret] ?? values.GHCR_USERNAME;
    const password = values[registry.tokenSecret] ?? values.GHCR_TOKEN;
    const host = registry.host.split('/')[0] as string;
    if (username !== undefined && password !== undefined) logins.push({ host: authKeyOf(host), username, password });
  }
  return logins;
}

/** The login among some that opens an image's registry. */
export function loginFor(
  logins: readonly RegistryLogin[],
  place: ImagePlace,
  { registryHost }: { registryHost: string | null },
): RegistryLogin | null {
  const host = place.registry === 'eve' ? registryHost : place.registry;
  return logins.find((login) => login.host === (host && authKeyOf(host))) ?? null;
}

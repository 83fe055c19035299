import type { ImagePlace, Manifest, OrganisationId, ProjectId, RegistryAction, RegistrySetting } from '@eve/domain';
import { type ImageOwner, projectPrefix } from '../builds/image-place.ts';
import type { Platform } from '../platform.ts';
import type { RegistryLogin } from '../ports/builder.ts';
import { resolveSecrets } from '../secrets/resolve-secrets.ts';

/** A registry of the project's own. */
export type OwnRegistry = Extract<RegistrySetting, { mode: 'own' }>;

/** Whose logins. */
export type LoginOwner = ImageOwner & { readonly tenantId: OrganisationId; readonly projectId: ProjectId };

type Needs = Pick<Platform, 'store' | 'vault' | 'registryLogins' | 'settings'>;

const readingMs = 5 * 60_000;
const defaultNames = ['REGISTRY_USERNAME', 'REGISTRY_PASSWORD'] as const;
const olderNames = ['GHCR_USERNAME', 'GHCR_TOKEN'] as const;

/** The key under which Docker looks up credentials of a host. */
export function authKeyOf(host: string): string {
  return host === 'docker.io' ? 'https://index.docker.io/v1/' : host;
}

/** The host of a project's own registry, without the path that its images stand below. */
export function hostOf({ host }: OwnRegistry): string {
  return host.split('/')[0] ?? host;
}

/** Logins that open the registries of a manifest for one build run or deploy; none for `none` or absent secrets. */
export async function registryLogins(
  platform: Needs,
  { registry }: Pick<Manifest, 'registry'>,
  owner: LoginOwner,
  { subject, actions, expiresAt }: { subject: string; actions: readonly RegistryAction[]; expiresAt: Date },
): Promise<readonly RegistryLogin[]> {
  if (registry.mode === 'none') return [];
  const logins: RegistryLogin[] = [];
  if (platform.settings.registryHost) {
    const grant = { tenantId: owner.tenantId, subject, prefix: projectPrefix(owner), actions, expiresAt };
    logins.push(await platform.registryLogins.issue(grant));
  }
  const own = registry.mode === 'own' ? await ownLogin(platform, registry, owner) : null;
  return own ? [...logins, own] : logins;
}

/**
 * As registryLogins, for what Eve does itself at a project's images. They stay the same for some minutes, and so do the
 * tokens that the reader was given for them.
 */
export async function readingLogins(
  platform: Needs & Pick<Platform, 'now'>,
  manifest: Pick<Manifest, 'registry'>,
  owner: LoginOwner,
  actions: readonly RegistryAction[] = ['pull'],
): Promise<readonly RegistryLogin[]> {
  const expiresAt = new Date((Math.floor(platform.now().getTime() / readingMs) + 2) * readingMs);
  return registryLogins(platform, manifest, owner, { subject: owner.projectId, actions, expiresAt });
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

/** The names of the secrets a registry is opened with, the first pair that is set. Those of old stand in for the default ones only: a login goes nowhere it was not meant for. */
export function loginSecrets({
  usernameSecret,
  tokenSecret,
}: OwnRegistry): readonly (readonly [username: string, token: string])[] {
  const isDefault = usernameSecret === defaultNames[0] && tokenSecret === defaultNames[1];
  return [[usernameSecret, tokenSecret], ...(isDefault ? [olderNames] : [])];
}

async function ownLogin(
  platform: Pick<Platform, 'store' | 'vault'>,
  registry: OwnRegistry,
  { tenantId, projectId }: LoginOwner,
): Promise<RegistryLogin | null> {
  const pairs = loginSecrets(registry);
  const { values } = await resolveSecrets(platform, { tenantId, id: projectId }, pairs.flat());
  for (const [name, secret] of pairs) {
    const [username, password] = [values[name], values[secret]];
    if (username !== undefined && password !== undefined)
      return { host: authKeyOf(hostOf(registry)), username, password };
  }
  return null;
}

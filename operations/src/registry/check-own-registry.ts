import { BuildFailed, buildFailure, type Manifest, type OrganisationId, type ProjectId } from '@eve/domain';
import type { Platform } from '../platform.ts';
import type { RegistryLogin } from '../ports/builder.ts';
import { missingSecretsOf } from '../secrets/missing-secrets.ts';
import { authKeyOf, hostOf, loginSecrets } from './registry-login.ts';

/**
 * Makes sure, before anything is built, that the project's own registry lets the build in: with its login, or everybody
 * where none is set. Throws BuildFailed naming the secrets, `registry_unavailable` when the registry is away.
 */
export async function checkOwnRegistry(
  { store, registry: reader }: Pick<Platform, 'store' | 'registry'>,
  { tenantId, projectId }: { tenantId: OrganisationId; projectId: ProjectId },
  { registry }: Pick<Manifest, 'registry'>,
  logins: readonly RegistryLogin[],
  signal?: AbortSignal,
): Promise<void> {
  if (registry.mode !== 'own') return;
  const host = hostOf(registry);
  const login = logins.find((it) => it.host === authKeyOf(host)) ?? null;
  if (await reader.admits(host, login, signal)) return;

  const names = [registry.usernameSecret, registry.tokenSecret];
  const both = names.join(' and ');
  const all = loginSecrets(registry)
    .map((pair) => pair.join(' and '))
    .join(', or ');
  const missing = await missingSecretsOf(store, { tenantId, id: projectId }, names);
  const message = login
    ? `The registry ${host} refuses the login that ${all} hold.`
    : `The registry ${host} wants the login of ${both}, and ${missing.join(' and ')} ${missing.length === 1 ? 'is' : 'are'} not set.`;
  const commands = (login ? names : missing).map((name) => `\`eve secrets set ${name} -\``).join(' and ');
  throw new BuildFailed(
    buildFailure('auth_error', message, { phase: 'plan', hint: `Set ${commands}, then build again.` }),
  );
}

import { type Secret, secretScope } from '@eve/domain';
import type { KeyRotation, MasterKeyName, MissingSecret, SecretUse, UsableSecret } from '@eve/operations';
import { howToSetSecret } from '@eve/operations';
import type * as contract from '../contract/index.ts';
import { iso } from './time.ts';

const scopes = { project: 'project', organisation: 'org', system: 'system' } as const;

export function presentSecret(secret: Secret): contract.Secret {
  return {
    id: secret.id,
    scope_type: scopes[secretScope(secret)],
    scope_id: secret.projectId ?? secret.tenantId,
    key: secret.key,
    created_at: iso(secret.createdAt),
    updated_at: iso(secret.updatedAt),
  };
}

export function presentUsableSecret(secret: UsableSecret): contract.Secret {
  return { ...presentSecret(secret), wins: secret.wins };
}

export function presentSecretWithUses(secret: Secret, uses: readonly SecretUse[]): contract.SecretWithUses {
  const usedBy = uses.map(({ project, environment, current }) => ({ project, environment, current }));
  return { ...presentSecret(secret), used_by: usedBy };
}

export function presentMissingSecrets(missing: readonly MissingSecret[]): contract.SecretValidation {
  return {
    missing: missing.map(({ key, suggestion }) => ({
      key,
      hints: [
        ...(suggestion === null ? [] : [`There is a secret ${suggestion}: is that one meant?`]),
        `Set it with ${howToSetSecret(key)}.`,
      ],
      ...(suggestion !== null && { suggestion }),
    })),
  };
}

export function presentKeyRotation(rotation: KeyRotation): contract.KeyRotation {
  return {
    key: presentKey(rotation.key),
    started: rotation.started,
    resealed: rotation.resealed,
    remaining: rotation.remaining,
    unreadable: [...rotation.unreadable],
    forgotten: rotation.forgotten.map(presentKey),
    done: rotation.done,
  };
}

function presentKey({ masterKeyId, keyVersion }: MasterKeyName): contract.KeyRotation['key'] {
  return { id: masterKeyId, version: keyVersion };
}

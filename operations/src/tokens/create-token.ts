import { randomBytes } from 'node:crypto';
import { type ApiToken, scopes as allScopes, type ProjectId, type Scope } from '@eve/domain';
import { authorize, type Caller } from '../caller.ts';
import { recordAct } from '../organisations/record-act.ts';
import { checkedName, invalidField } from '../organisations/refuse.ts';
import type { Platform } from '../platform.ts';
import { findProject } from '../projects/get-project.ts';
import { tokenHash } from './authenticate.ts';

const dayMs = 24 * 3_600_000;

/** Makes a token; its text is returned here and never again. A token of one project makes tokens of that project only. */
export async function createToken(
  { store, now, newId }: Pick<Platform, 'store' | 'now' | 'newId'>,
  caller: Caller,
  request: { name: string; scopes: readonly Scope[]; projectId?: ProjectId | null; expiresInDays?: number | null },
): Promise<{ token: ApiToken; text: string }> {
  authorize(caller, 'admin');
  const wanted = request.projectId ?? caller.projectId;
  const project = wanted === null ? null : await findProject({ store }, caller, 'admin', wanted);
  const text = `eve_${randomBytes(32).toString('base64url')}`;
  const createdAt = now();
  const token: ApiToken = {
    id: newId('tok'),
    tenantId: caller.tenantId,
    name: checkedName(request.name),
    hash: tokenHash(text),
    scopes: checkedScopes(request.scopes),
    projectId: project?.id ?? null,
    createdAt,
    expiresAt: expiryOf(request.expiresInDays ?? null, createdAt),
    revokedAt: null,
  };
  await store.transaction(async (records) => {
    await records.tokens.insert(token);
    const { id: subjectId } = token;
    await recordAct(records, caller, {
      subjectKind: 'token',
      subjectId,
      from: null,
      to: 'active',
      event: 'create',
      at: createdAt,
    });
  });
  return { token, text };
}

function checkedScopes(scopes: readonly Scope[]): Scope[] {
  const known = allScopes.filter((scope) => scopes.includes(scope));
  if (scopes.length > 0 && scopes.every((scope) => allScopes.includes(scope))) return known;
  throw invalidField('scopes', `Give at least one scope of: ${allScopes.join(', ')}.`);
}

function expiryOf(days: number | null, at: Date): Date | null {
  if (days === null) return null;
  if (days > 0 && days <= 3650) return new Date(at.getTime() + days * dayMs);
  throw invalidField('expires_in_days', 'Give more than 0 and at most 3650 days.');
}

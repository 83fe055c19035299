import { createHash } from 'node:crypto';
import { type ApiToken, type OrganisationId, PlatformError } from '@eve/domain';
import type { Caller } from '../caller.ts';
import type { Platform } from '../platform.ts';
import type { Store } from '../ports/store.ts';

/** Who holds a token. Throws `unauthenticated` and `token_expired`. */
export async function authenticate(
  { store, now }: Pick<Platform, 'store' | 'now'>,
  tokenText: string,
): Promise<Caller> {
  const token = isTokenText(tokenText) ? await store.tokens.findByHash(tokenHash(tokenText)) : null;
  if (!token) {
    throw new PlatformError('unauthenticated', 'This token is not known here. Check EVE_TOKEN, or make a new token.');
  }
  if (token.revokedAt) throw new PlatformError('unauthenticated', 'This token was revoked. Make a new one.');
  if (token.expiresAt && token.expiresAt <= now()) {
    throw new PlatformError('token_expired', `This token expired at ${token.expiresAt.toISOString()}. Make a new one.`);
  }
  return {
    actor: `token:${token.name}`,
    tenantId: token.tenantId,
    scopes: token.scopes,
    projectId: token.projectId,
    operator: await isOperator(store, token),
  };
}

/** Whether a text has the form of a token: `eve_` and 43 digits of base64url. */
export function isTokenText(text: string): boolean {
  return /^eve_[A-Za-z0-9_-]{43}$/.test(text);
}

/** What is kept of a token: the hex SHA-256 of its text, which is random enough to need no salt. */
export function tokenHash(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

/** The installation's first organisation operates it, with unlimited tokens of the scope `admin`. */
async function isOperator(store: Store, token: ApiToken): Promise<boolean> {
  if (token.projectId !== null || !token.scopes.includes('admin')) return false;
  return (await firstOrganisationId(store)) === token.tenantId;
}

const firstOrganisations = new WeakMap<Store, OrganisationId>();

/** The oldest organisation never changes once it is there, so each store is asked once. */
export async function firstOrganisationId(store: Store): Promise<OrganisationId | null> {
  const remembered = firstOrganisations.get(store);
  if (remembered) return remembered;
  const count = await store.organisations.count();
  const { items } = await store.organisations.list({ limit: 1, offset: Math.max(0, count - 1) });
  const id = items[0]?.id ?? null;
  if (id) firstOrganisations.set(store, id);
  return id;
}

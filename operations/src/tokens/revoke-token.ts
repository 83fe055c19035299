import { type ApiToken, PlatformError, type TokenId } from '@eve/domain';
import { authorize, type Caller } from '../caller.ts';
import { recordAct } from '../organisations/record-act.ts';
import type { Platform } from '../platform.ts';

/** Ends a token at once. Revoking one that is revoked changes nothing. */
export async function revokeToken(
  { store, now }: Pick<Platform, 'store' | 'now'>,
  caller: Caller,
  tokenId: TokenId,
): Promise<ApiToken> {
  authorize(caller, 'admin');
  return store.transaction(async (records) => {
    const token = await records.tokens.get(caller.tenantId, tokenId);
    if (caller.projectId !== null && token.projectId !== caller.projectId) {
      throw new PlatformError('token_not_found', `There is no token ${tokenId}.`);
    }
    if (token.revokedAt) return token;
    const at = now();
    await records.tokens.revoke(caller.tenantId, tokenId, at);
    await recordAct(records, caller, {
      subjectKind: 'token',
      subjectId: tokenId,
      from: 'active',
      to: 'revoked',
      event: 'revoke',
      at,
    });
    return { ...token, revokedAt: at };
  });
}

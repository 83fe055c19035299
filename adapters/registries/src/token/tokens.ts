import { createSign, randomUUID } from 'node:crypto';
import type { RegistryTokens } from '@eve/operations';
import { openSigningKey, type SigningKey } from './keys.ts';

/** The issuer that the registry is told to trust. */
export const tokenIssuer = 'eve-api';

const lifetimeSeconds = 300;

/** Signs registry tokens with a given key, or with that of a data directory, which is made on first use. */
export function registryTokens({
  now = () => new Date(),
  ...place
}: ({ readonly dataDir: string } | { readonly key: SigningKey }) & { readonly now?: () => Date }): RegistryTokens {
  let opening: Promise<SigningKey> | null = null;
  const signingKey = () => {
    if ('key' in place) return place.key;
    opening ??= openSigningKey(place.dataDir).catch((error: unknown) => {
      opening = null;
      throw error;
    });
    return opening;
  };

  return {
    async sign({ subject, service, scopes }) {
      const { privateKey, kid, certificate } = await signingKey();
      const issuedAt = now();
      const issued = Math.floor(issuedAt.getTime() / 1000);
      const claims = {
        iss: tokenIssuer,
        sub: subject,
        aud: service,
        // The registry's clock may be a little behind.
        nbf: issued - 10,
        iat: issued,
        exp: issued + lifetimeSeconds,
        jti: randomUUID(),
        access: scopes.map(({ type, name, actions }) => ({ type, name, actions })),
      };
      const signed = `${encode({ typ: 'JWT', alg: 'RS256', kid, x5c: [certificate] })}.${encode(claims)}`;
      const signature = createSign('RSA-SHA256').update(signed).sign(privateKey, 'base64url');
      return { token: `${signed}.${signature}`, expiresInSeconds: lifetimeSeconds, issuedAt };
    },
  };
}

function encode(value: object): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url');
}

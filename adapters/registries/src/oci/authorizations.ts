import { createHash } from 'node:crypto';
import type { RegistryLogin } from '@eve/operations';

/** What is asked of one repository. */
export type RepositoryActions = 'pull' | 'pull,push' | 'delete';

interface Kept {
  readonly authorization: string;
  readonly until: number;
}

const kept = 1_000;
const basicMs = 300_000;

/** Authorizations by registry, scope and login, each for its life; the oldest leave when there are too many. */
export interface Authorizations {
  find(key: string): string | null;
  keep(key: string, authorization: string, lifeSeconds: number | null): void;
  drop(key: string): void;
}

export function authorizations(now: () => number = Date.now): Authorizations {
  const found = new Map<string, Kept>();
  return {
    find(key) {
      const it = found.get(key);
      if (it && it.until > now()) return it.authorization;
      found.delete(key);
      return null;
    },
    keep(key, authorization, lifeSeconds) {
      // A token is not used in its last moments; one without a life lives for a minute (token protocol).
      const lifeMs = authorization.startsWith('Basic ')
        ? basicMs
        : Math.min(lifeSeconds ?? 60, 3_600) * 1000 - Math.min(15_000, (lifeSeconds ?? 60) * 500);
      found.delete(key);
      found.set(key, { authorization, until: now() + lifeMs });
      for (const oldest of found.keys()) {
        if (found.size <= kept) break;
        found.delete(oldest);
      }
    },
    drop: (key) => void found.delete(key),
  };
}

/** Tells logins apart without keeping what they say. */
export function authorizationKey(scope: string, login: RegistryLogin | null): string {
  const text = JSON.stringify([scope, login?.username ?? null, login?.password ?? null]);
  return createHash('sha256').update(text).digest('base64');
}

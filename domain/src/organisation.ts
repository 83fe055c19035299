import type { OrganisationId, ProjectId, TokenId } from './id.ts';
import type { Tier } from './tier.ts';

/** A tenant: owns projects, and its limits bind all of them together. */
export interface Organisation {
  readonly id: OrganisationId;
  readonly slug: string;
  readonly name: string;
  readonly tier: Tier;
  readonly createdAt: Date;
}

/** One repository and everything built, released and run from it. */
export interface Project {
  readonly id: ProjectId;
  readonly tenantId: OrganisationId;
  readonly slug: string;
  readonly name: string;
  /** https, ssh, scp-like or file URL, or an absolute path where the operator allows local sources; null until known. */
  readonly repoUrl: string | null;
  readonly branch: string;
  /** The secret that opens a private repository, instead of GITHUB_TOKEN. */
  readonly repoTokenSecret: string | null;
  readonly createdAt: Date;
}

/** What a token may do. `admin` may everything within its organisation. */
export const scopes = ['read', 'build', 'release', 'deploy', 'configure', 'admin'] as const;
export type Scope = (typeof scopes)[number];

/** A bearer token; only its hash is kept, the text is shown once. */
export interface ApiToken {
  readonly id: TokenId;
  readonly tenantId: OrganisationId;
  readonly name: string;
  readonly hash: string;
  readonly scopes: readonly Scope[];
  /** Null: every project of the organisation. */
  readonly projectId: ProjectId | null;
  readonly createdAt: Date;
  readonly expiresAt: Date | null;
  readonly revokedAt: Date | null;
}

const slugPattern = /^[a-z][a-z0-9]*(-[a-z0-9]+)*$/;

/** Slugs are parts of host names and image names: lower-case letters, digits and single hyphens, at most 20. */
export function isSlug(text: string): boolean {
  return text.length <= 20 && slugPattern.test(text);
}

/** The nearest slug to a name; empty when no letter is in it. */
export function slugOf(name: string): string {
  return name
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^[^a-z]+/, '')
    .slice(0, 20)
    .replace(/-+$/, '');
}

import semver from 'semver';
import type { ArtifactDigests } from './build-artifact.ts';
import type { BuildId, OrganisationId, ProjectId, ReleaseId } from './id.ts';
import type { ImagePlace } from './image-ref.ts';

/** Git sha + manifest hash + digests: the same in every environment, and never changed. */
export interface Release {
  readonly id: ReleaseId;
  readonly tenantId: OrganisationId;
  readonly projectId: ProjectId;
  readonly gitSha: string | null;
  readonly manifestHash: string;
  /** Service → image; services that run a ready-made image are resolved at release time as well. */
  readonly images: Readonly<Record<string, ReleaseImage>>;
  readonly buildId: BuildId | null;
  readonly version: string | null;
  readonly tag: string | null;
  /** Made from an image that only the local engine holds: not promotable, not deployable elsewhere. */
  readonly local: boolean;
  readonly createdBy: string | null;
  readonly createdAt: Date;
}

/** Why a release must not be deployed, by anybody or anything. */
export interface ReleaseBlock {
  readonly releaseId: ReleaseId;
  readonly reason: string;
  readonly blockedBy: string;
  readonly blockedAt: Date;
}

export interface ReleaseImage extends ArtifactDigests {
  readonly image: ImagePlace;
}

export type VersionBump = 'major' | 'minor' | 'patch';

/** What Conventional Commits say of a change: a `!` after the type or a BREAKING CHANGE line, a feature, or anything else. */
export function versionBump(commitMessages: readonly string[]): VersionBump {
  const breaking = /^[a-z]+(?:\([^()\n]*\))?!:|\n(?:BREAKING CHANGE|BREAKING-CHANGE)\b/i;
  if (commitMessages.some((text) => breaking.test(text))) return 'major';
  return commitMessages.some((text) => /^feat(?:\([^()\n]*\))?:/i.test(text)) ? 'minor' : 'patch';
}

/**
 * The version after another. Before 1.0.0 nothing is promised yet: a breaking change raises the minor number, and 1.0.0 is named
 * by a person. A pre-release goes on as one (`1.0.0-beta.1` → `1.0.0-beta.2`) until a person names the version it leads to.
 */
export function nextVersion(previous: string | null, bump: VersionBump): string {
  const parsed = previous === null ? null : semver.parse(previous);
  if (!parsed) return '0.1.0';
  if (parsed.prerelease.length > 0) return parsed.inc('prerelease').version;
  return parsed.inc(bump === 'major' && parsed.major === 0 ? 'minor' : bump).version;
}

/** A version as given by a person, without the leading v; null when it is not semantic (semver.org 2.0). */
export function parseVersion(text: string): string | null {
  const parsed = semver.parse(text.replace(/^v/, ''));
  return parsed ? parsed.version + (parsed.build.length > 0 ? `+${parsed.build.join('.')}` : '') : null;
}

/** The one with the highest version; null of none, and of what has none. */
export function highestVersion<Of extends { readonly version: string | null }>(all: readonly Of[]): Of | null {
  return all.reduce<Of | null>((best, each) => {
    if (each.version === null) return best;
    return best?.version && semver.gte(best.version, each.version) ? best : each;
  }, null);
}

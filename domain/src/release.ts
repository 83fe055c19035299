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

export interface ReleaseImage extends ArtifactDigests {
  readonly image: ImagePlace;
}

/** What a new version is counted from: the highest version a project has released. */
export function nextVersion(previous: string | null, commitMessages: readonly string[]): string {
  if (previous === null) return '0.1.0';
  const bump = commitMessages.some((text) => /^[a-z]+(\([^)]*\))?!:|BREAKING[ -]CHANGE/m.test(text))
    ? 'major'
    : commitMessages.some((text) => /^feat(\([^)]*\))?:/m.test(text))
      ? 'minor'
      : 'patch';
  return semver.inc(previous, bump) ?? '0.1.0';
}

/** A version as given by a person, without the leading v; null when it is not semantic (semver.org 2.0). */
export function parseVersion(text: string): string | null {
  const parsed = semver.parse(text.replace(/^v/, ''));
  return parsed ? parsed.version + (parsed.build.length > 0 ? `+${parsed.build.join('.')}` : '') : null;
}

/** The highest of some versions; null of none. */
export function highestVersion(versions: readonly string[]): string | null {
  return versions.reduce<string | null>((best, version) => (best && semver.gte(best, version) ? best : version), null);
}

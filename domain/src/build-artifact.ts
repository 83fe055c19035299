import type { BuildArtifactId, BuildId, BuildRunId, OrganisationId, ProjectId } from './id.ts';
import type { ImagePlace } from './image-ref.ts';

/** One pushed image, by digest. */
export interface BuildArtifact {
  readonly id: BuildArtifactId;
  readonly tenantId: OrganisationId;
  readonly projectId: ProjectId;
  readonly buildId: BuildId;
  readonly runId: BuildRunId;
  readonly serviceName: string;
  readonly image: ImagePlace;
  readonly tags: readonly string[];
  readonly digests: ArtifactDigests;
  readonly platforms: readonly string[];
  readonly sizeBytes: number | null;
  readonly provenanceRef: string | null;
  readonly sbomRef: string | null;
  readonly createdAt: Date;
}

/** A tag may name an index; runtimes report index, manifest or config digests, so all three are kept. */
export interface ArtifactDigests {
  /** What a release names: the index, or the single manifest. */
  readonly digest: string;
  readonly platforms: readonly PlatformDigests[];
}

export interface PlatformDigests {
  readonly platform: string;
  readonly manifest: string;
  readonly config: string;
}

/** What an image is, whatever was attested about it: two runs may wrap equal manifests in different indexes. */
export function imageIdentity({ digest, platforms }: ArtifactDigests): string {
  return platforms.length === 0
    ? digest
    : platforms
        .map(({ manifest }) => manifest)
        .toSorted()
        .join(',');
}

/** Whether a digest that a runtime reports is this artifact. */
export function namesArtifact({ digest, platforms }: ArtifactDigests, reported: string): boolean {
  return digest === reported || platforms.some(({ manifest, config }) => manifest === reported || config === reported);
}

import type { ArtifactDigests } from '@eve/domain';
import type { RegistryLogin } from './builder.ts';

/** One platform of an image, down to its layers: what two builds are compared by. */
export interface ImageLayers {
  readonly platform: string;
  readonly manifest: string;
  readonly config: string;
  readonly layers: readonly string[];
}

/** A statement that stands beside an image in its index. */
export interface Attestation {
  /** The manifest of the image that it is about. */
  readonly subject: string;
  /** Such as `https://slsa.dev/provenance/v1` and `https://spdx.dev/Document`. */
  readonly predicateType: string;
  /** Of the statement itself, for `attestation`. */
  readonly digest: string;
  readonly sizeBytes: number;
}

/** An in-toto statement, as its builder wrote it. */
export interface AttestationStatement {
  readonly _type: string;
  readonly predicateType: string;
  readonly subject: readonly { readonly name?: string; readonly digest: Readonly<Record<string, string>> }[];
  readonly predicate: unknown;
}

/**
 * Reads registries: what was really pushed. References are `host/repository:tag` or `@digest`. A registry that refuses
 * or limits throws BuildFailed (`auth_error`, `registry_error`), one that is away `registry_unavailable`.
 */
export interface RegistryReader {
  /** The digests and sizes behind a reference, null when it is not there. */
  inspect(
    reference: string,
    login: RegistryLogin | null,
    signal?: AbortSignal,
  ): Promise<{ digests: ArtifactDigests; sizeBytes: number } | null>;
  /** Whether it is there: one request, where the registry is known. */
  exists(reference: string, login: RegistryLogin | null, signal?: AbortSignal): Promise<boolean>;
  /** The layers of each platform, null when it is not there. */
  layers(reference: string, login: RegistryLogin | null, signal?: AbortSignal): Promise<readonly ImageLayers[] | null>;
  /** What stands in an image's index about it; nothing for an image without an index. */
  attestations(reference: string, login: RegistryLogin | null, signal?: AbortSignal): Promise<readonly Attestation[]>;
  /** One statement of the reference's repository. Throws `image_unknown` when it is not there. */
  attestation(
    reference: string,
    digest: string,
    login: RegistryLogin | null,
    signal?: AbortSignal,
  ): Promise<AttestationStatement>;
  /** Adds a tag to a digest that the repository already holds. */
  tag(reference: string, tag: string, login: RegistryLogin | null, signal?: AbortSignal): Promise<void>;
  /** Removes the manifest of a digest, with the tags that name it; false when it was not there. What an index lists stays. */
  remove(reference: string, login: RegistryLogin | null, signal?: AbortSignal): Promise<boolean>;
  /** Whether a registry (a host) lets this login in; with none, whether it lets in everybody. */
  admits(host: string, login: RegistryLogin | null, signal?: AbortSignal): Promise<boolean>;
}

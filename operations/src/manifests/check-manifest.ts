import type { ErrorDetail, Manifest } from '@eve/domain';
import { readManifest } from './parse-manifest.ts';
import type { FeatureUse } from './runtime-features.ts';

/** What is wrong with a manifest's text by itself. */
export interface ManifestCheck {
  readonly valid: boolean;
  readonly hash: string;
  readonly errors: readonly ErrorDetail[];
  readonly warnings: readonly ErrorDetail[];
  /** Secrets that a deploy or build of it needs. */
  readonly secretNames: readonly string[];
  /** What it asks for and not every runtime has. */
  readonly features: readonly FeatureUse[];
  /** Null when there are errors. */
  readonly manifest: Manifest | null;
}

/** Checks a manifest without asking anything but its text; what does not fit together counts as an error. */
export function checkManifest(yaml: string): ManifestCheck {
  const { errors: mistakes, warnings, incoherences, hash, secretNames, features, manifest } = readManifest(yaml);
  const errors = [...mistakes, ...incoherences];
  return {
    valid: errors.length === 0,
    hash,
    errors,
    warnings: warnings.filter((warning) => !incoherences.includes(warning)),
    secretNames,
    features,
    manifest,
  };
}

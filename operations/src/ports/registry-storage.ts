import type { StoredManifest } from '@eve/domain';

/** The storage behind the registry that Eve runs. */
export interface RegistryStorage {
  /** Everything that was pushed and not removed, in no order. */
  manifests(signal: AbortSignal): Promise<readonly StoredManifest[]>;
  /** Frees what no manifest names any more; nothing can be pushed meanwhile, pulls go on. Waits for pushes under way. */
  collect(signal: AbortSignal): Promise<{ readonly freedBytes: number }>;
}

import type { RegistryStorage } from '../src/ports/registry-storage.ts';
import type { ScriptedRegistry } from './scripted-registry.ts';

/** The storage of a scripted registry, which counts how often it was collected. */
export interface ScriptedRegistryStorage extends RegistryStorage {
  collections: number;
}

/** Images that were pushed at a time, each of 10 bytes. */
export function scriptedRegistryStorage(
  registry: Pick<ScriptedRegistry, 'held'>,
  pushedAt = new Date(),
): ScriptedRegistryStorage {
  const storage: ScriptedRegistryStorage = {
    collections: 0,
    manifests: async () =>
      registry.held().map((reference) => {
        const [place = '', digest = ''] = reference.split('@');
        const repository = place.slice(place.indexOf('/') + 1);
        return { repository, digest, pushedAt, lists: [], blobs: [{ digest, sizeBytes: 10 }] };
      }),
    async collect() {
      storage.collections += 1;
      return { freedBytes: 123 };
    },
  };
  return storage;
}

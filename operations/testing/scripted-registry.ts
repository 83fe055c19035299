import type { ArtifactDigests } from '@eve/domain';
import type { RegistryLogin, RegistryReader } from '../src/ports/builder.ts';
import { digestOf } from './scripted-builder.ts';

/** A registry that holds what was pushed to it, and remembers who read and tagged. */
export interface ScriptedRegistry extends RegistryReader {
  /** Puts an image under a reference with a tag or digest. */
  push(reference: string, digest: string): void;
  /** Makes a digest vanish from every repository. */
  lose(digest: string): void;
  readonly tags: { readonly reference: string; readonly tag: string }[];
  readonly inspected: { readonly reference: string; readonly login: RegistryLogin | null }[];
  /** Thrown by every call while it is set. */
  outage: Error | null;
}

/** Makes an empty registry. Each image has one platform, with digests of its own for manifest and config. */
export function scriptedRegistry(): ScriptedRegistry {
  const held = new Map<string, string>();
  const registry: ScriptedRegistry = {
    tags: [],
    inspected: [],
    outage: null,
    push(reference, digest) {
      held.set(reference, digest);
      held.set(`${repositoryOf(reference)}@${digest}`, digest);
    },
    lose(digest) {
      for (const [reference, kept] of held) if (kept === digest) held.delete(reference);
    },
    async inspect(reference, login) {
      if (registry.outage) throw registry.outage;
      registry.inspected.push({ reference, login });
      const digest = held.get(reference);
      return digest === undefined ? null : { digests: digestsOf(digest), sizeBytes: 1234 };
    },
    async tag(reference, tag) {
      if (registry.outage) throw registry.outage;
      registry.tags.push({ reference, tag });
      const digest = held.get(reference);
      if (digest !== undefined) held.set(`${repositoryOf(reference)}:${tag}`, digest);
    },
  };
  return registry;
}

/** All digests by which an image of the scripted registry is known. */
export function digestsOf(digest: string): ArtifactDigests {
  const platform = { platform: 'linux/amd64', manifest: digestOf(`m ${digest}`), config: digestOf(`c ${digest}`) };
  return { digest, platforms: [platform] };
}

function repositoryOf(reference: string): string {
  return reference.replace(/@.*$/, '').replace(/:[^:/]+$/, '');
}

import { type ArtifactDigests, PlatformError } from '@eve/domain';
import type { RegistryLogin } from '../src/ports/builder.ts';
import type { Attestation, AttestationStatement, RegistryReader } from '../src/ports/registry-reader.ts';
import { digestOf } from './scripted-builder.ts';

/** A registry that holds what was pushed to it, and remembers who read and tagged. */
export interface ScriptedRegistry extends RegistryReader {
  /** Puts an image under a reference with a tag or digest. */
  push(reference: string, digest: string): void;
  /** Makes a digest vanish from every repository. */
  lose(digest: string): void;
  /** Everything that it holds, as `host/repository@digest`. */
  held(): readonly string[];
  /** Statements beside an image, by the image's digest. */
  readonly statements: Map<string, readonly AttestationStatement[]>;
  /** Layers of an image, by its digest; one that is made up unless they are given. */
  readonly layersOf: Map<string, readonly string[]>;
  /** Whom it lets in: everybody unless a test says otherwise. */
  admitted: (login: RegistryLogin | null) => boolean;
  readonly tags: { readonly reference: string; readonly tag: string }[];
  readonly inspected: { readonly reference: string; readonly login: RegistryLogin | null }[];
  /** Thrown by every call while it is set. */
  outage: Error | null;
}

/** Makes an empty registry. Each image has one platform, with digests of its own for manifest and config. */
export function scriptedRegistry(): ScriptedRegistry {
  const held = new Map<string, string>();
  const registry: ScriptedRegistry = {
    statements: new Map(),
    layersOf: new Map(),
    admitted: () => true,
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
    held: () => [...held.keys()].filter((reference) => reference.includes('@')),
    async inspect(reference, login) {
      if (registry.outage) throw registry.outage;
      registry.inspected.push({ reference, login });
      const digest = held.get(reference);
      return digest === undefined ? null : { digests: digestsOf(digest), sizeBytes: 1234 };
    },
    async exists(reference, login) {
      return (await registry.inspect(reference, login)) !== null;
    },
    async layers(reference, login) {
      const found = await registry.inspect(reference, login);
      if (!found) return null;
      const { digest, platforms } = found.digests;
      return platforms.map((platform) => ({
        ...platform,
        layers: registry.layersOf.get(digest) ?? [digestOf(`l ${digest}`)],
      }));
    },
    async attestations(reference, login) {
      const found = await registry.inspect(reference, login);
      if (!found) throw new PlatformError('image_unknown', `${reference} is not in the registry.`);
      const [platform] = found.digests.platforms;
      return (registry.statements.get(found.digests.digest) ?? []).map((statement): Attestation => {
        const text = JSON.stringify(statement);
        const { predicateType } = statement;
        return { subject: platform?.manifest ?? '', predicateType, digest: digestOf(text), sizeBytes: text.length };
      });
    },
    async attestation(reference, digest) {
      if (registry.outage) throw registry.outage;
      const all = [...registry.statements.values()].flat();
      const found = all.find((statement) => digestOf(JSON.stringify(statement)) === digest);
      if (!found) throw new PlatformError('image_unknown', `${reference} has no statement ${digest}.`);
      return found;
    },
    async remove(reference) {
      if (registry.outage) throw registry.outage;
      const repository = repositoryOf(reference);
      const digest = held.get(reference);
      for (const [name, kept] of held) if (kept === digest && repositoryOf(name) === repository) held.delete(name);
      return digest !== undefined;
    },
    async admits(_host, login) {
      if (registry.outage) throw registry.outage;
      return registry.admitted(login);
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

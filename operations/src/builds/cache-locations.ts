import { type BuildCache, type Manifest, PlatformError, parseImageReference } from '@eve/domain';
import type { Settings } from '../platform.ts';
import type { CacheLocation } from '../ports/builder.ts';
import { type ImageOwner, projectPrefix } from './image-place.ts';

export interface CacheQuestion {
  readonly cache: BuildCache | null;
  readonly manifest: Pick<Manifest, 'registry'>;
  readonly owner: ImageOwner;
  readonly service: string;
  readonly settings: Pick<Settings, 'registryHost' | 'cacheDir' | 'buildCache'>;
  /** Whether the engine can keep layers outside itself: without, a cache that nobody asked for is left out. */
  readonly cacheExport: boolean;
}

/** Where layers of a service are read from and kept, besides in the engine: as the build asks, else as the operator set it. */
export function cacheLocations(question: CacheQuestion): { from: CacheLocation[]; to: CacheLocation[] } {
  const { cache, settings, cacheExport } = question;
  if (cache?.disabled) return { from: [], to: [] };
  if (cache?.from || cache?.to) {
    const located = (words: readonly string[] = []) => words.map((word) => locate(word, question));
    return { from: located(cache.from), to: located(cache.to) };
  }
  const reference = settings.buildCache === 'registry' && cacheExport ? registryCache(question) : null;
  const kept: CacheLocation[] = reference === null ? [] : [{ type: 'registry', reference }];
  return { from: kept, to: kept };
}

function locate(word: string, question: CacheQuestion): CacheLocation {
  const { owner, service, settings } = question;
  if (word === 'local') {
    return { type: 'local', directory: [settings.cacheDir, owner.organisation, owner.project, service].join('/') };
  }
  if (word === 'registry') {
    const reference = registryCache(question);
    if (reference !== null) return { type: 'registry', reference };
    throw invalid('The cache "registry" has no place: this project has no registry. Use "local", or name an image.');
  }
  const parsed = parseImageReference(word);
  if (!parsed || parsed.digest)
    throw invalid(`The cache "${word}" is neither "registry", "local" nor an image's name.`);
  const prefix = projectPrefix(owner);
  if (parsed.host === settings.registryHost && !parsed.repository.startsWith(prefix)) {
    throw invalid(
      `The cache "${word}" lies outside the project's part of this registry: use ${parsed.host}/${prefix}….`,
    );
  }
  return { type: 'registry', reference: word };
}

/** The project's own repository for layers, one tag for each service; null where it has no registry. */
function registryCache({ manifest: { registry }, owner, service, settings }: CacheQuestion): string | null {
  if (registry.mode === 'none') return null;
  if (registry.mode === 'own') {
    const place = [registry.host, ...(registry.namespace ? [registry.namespace] : [])].join('/');
    return `${place}/${owner.project}-cache:${service}`;
  }
  return settings.registryHost === null ? null : `${settings.registryHost}/${projectPrefix(owner)}cache:${service}`;
}

function invalid(message: string): PlatformError {
  return new PlatformError('request_invalid', message, { details: [{ path: 'cache', message }] });
}

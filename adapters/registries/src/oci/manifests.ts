import { createHash } from 'node:crypto';
import type { ImageReference } from '@eve/domain';
import { z } from 'zod';
import { broken, refusal } from './failure.ts';
import type { HttpAnswer } from './http.ts';

const indexTypes = [
  'application/vnd.oci.image.index.v1+json',
  'application/vnd.docker.distribution.manifest.list.v2+json',
];
const manifestTypes = [
  'application/vnd.oci.image.manifest.v1+json',
  'application/vnd.docker.distribution.manifest.v2+json',
];

/** The media types that are asked for. */
export const accept = [...indexTypes, ...manifestTypes].join(', ');

const maxManifestBytes = 4 * 1_048_576;
const maxConfigBytes = 8 * 1_048_576;
/** Platforms and attestations of one index; each is a request. */
const maxEntries = 128;

const Digest = z.string().regex(/^sha256:[a-f0-9]{64}$/);
const Annotations = z.record(z.string(), z.string());
const Descriptor = z.object({ digest: Digest, size: z.int().nonnegative(), annotations: Annotations.optional() });
const Platform = z.object({ os: z.string(), architecture: z.string(), variant: z.string().optional() });
const Manifest = z.object({ config: Descriptor, layers: z.array(Descriptor).max(1_000) });
const Index = z.object({
  manifests: z.array(Descriptor.extend({ platform: Platform.optional() })).max(maxEntries),
});

export type ManifestContent = z.infer<typeof Manifest>;
export type IndexEntry = z.infer<typeof Index>['manifests'][number];

/** A manifest or index as the registry holds it. */
export interface Stored {
  readonly digest: string;
  readonly mediaType: string;
  readonly bytes: Uint8Array<ArrayBuffer>;
}

/** One repository, with its authorization. */
export interface Repository {
  readonly reference: ImageReference;
  ask(request: {
    method: 'GET' | 'HEAD' | 'PUT' | 'DELETE';
    path: string;
    headers?: Readonly<Record<string, string>>;
    body?: Uint8Array<ArrayBuffer>;
    maxBytes?: number;
  }): Promise<HttpAnswer>;
}

/** What a reference names in its repository. */
export function nameIn({ digest, tag }: ImageReference): string {
  return digest ?? tag ?? 'latest';
}

/** A manifest or index, null when it is not there; its digest is that of the bytes that were read. */
export async function readManifest({ reference, ask }: Repository, name: string): Promise<Stored | null> {
  const answer = await ask({
    method: 'GET',
    path: `manifests/${name}`,
    headers: { accept },
    maxBytes: maxManifestBytes,
  });
  if (answer.status === 404) return null;
  if (answer.status !== 200) throw refusal(answer, reference);
  const digest = digestOf(answer.bytes);
  const header = answer.headers['docker-content-digest'];
  const told = name.startsWith('sha256:') ? name : typeof header === 'string' ? header : null;
  if (told && told !== digest) throw broken(reference, `answered with other bytes than those of ${told}`);
  const mediaType = (answer.headers['content-type'] ?? '').split(';')[0]?.trim() ?? '';
  return { digest, mediaType, bytes: answer.bytes };
}

/** A blob that is known to have these bytes, null when it is not there. */
export async function readBlob(
  { reference, ask }: Repository,
  digest: string,
  maxBytes: number,
): Promise<Uint8Array | null> {
  const answer = await ask({ method: 'GET', path: `blobs/${digest}`, maxBytes });
  if (answer.status === 404) return null;
  if (answer.status !== 200) throw refusal(answer, reference);
  if (digestOf(answer.bytes) !== digest) throw broken(reference, `answered with other bytes than those of ${digest}`);
  return answer.bytes;
}

/** An image of an index or by itself. */
export interface ImageManifest extends ManifestContent {
  readonly digest: string;
  readonly platform: string;
}

/** The images behind what was read: one, or those of an index without what only stands beside them. */
export async function imagesOf(repository: Repository, root: Stored): Promise<readonly ImageManifest[]> {
  if (!isIndex(root)) return [await imageOf(repository, root, null)];
  const entries = parseIndex(repository, root).filter((entry) => !isBeside(entry));
  return Promise.all(
    entries.map(async ({ digest, platform }) => {
      const manifest = await readManifest(repository, digest);
      if (!manifest) throw broken(repository.reference, `lacks the manifest ${digest}`);
      return imageOf(repository, manifest, platform ? showPlatform(platform) : null);
    }),
  );
}

export function isIndex({ mediaType }: Stored): boolean {
  return indexTypes.includes(mediaType);
}

export function parseIndex({ reference }: Repository, stored: Stored): readonly IndexEntry[] {
  return parse(Index, stored, reference).manifests;
}

export function parseManifest({ reference }: Repository, stored: Stored): ManifestContent {
  return parse(Manifest, stored, reference);
}

/** Attestations stand in an index as images of no platform. */
function isBeside({ platform }: IndexEntry): boolean {
  return platform?.os === 'unknown';
}

async function imageOf(repository: Repository, stored: Stored, platform: string | null): Promise<ImageManifest> {
  const content = parseManifest(repository, stored);
  return { ...content, digest: stored.digest, platform: platform ?? (await readPlatform(repository, content)) };
}

/** A platform that no index tells stands in the image's configuration. */
async function readPlatform(repository: Repository, { config }: ManifestContent): Promise<string> {
  const bytes = await readBlob(repository, config.digest, maxConfigBytes);
  if (!bytes) throw broken(repository.reference, `lacks the configuration ${config.digest}`);
  const platform = Platform.safeParse(parseJson(bytes));
  return platform.success ? showPlatform(platform.data) : 'unknown/unknown';
}

function parse<T>(shape: z.ZodType<T>, { bytes, digest }: Stored, reference: ImageReference): T {
  const result = shape.safeParse(parseJson(bytes));
  if (!result.success) throw broken(reference, `holds ${digest}, which is no image,`);
  return result.data;
}

/** What bytes hold, null when it is no JSON. */
export function parseJson(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder().decode(bytes));
  } catch {
    return null;
  }
}

function showPlatform({ os, architecture, variant }: z.infer<typeof Platform>): string {
  return [os, architecture, ...(variant ? [variant] : [])].join('/');
}

function digestOf(bytes: Uint8Array): string {
  return `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
}

import { createHash } from 'node:crypto';
import {
  BuildFailed,
  buildFailure,
  type ImageReference,
  type PlatformDigests,
  PlatformError,
  parseImageReference,
} from '@eve/domain';
import type { RegistryLogin, RegistryReader } from '@eve/operations';
import { z } from 'zod';
import { type ClientOptions, type RepositoryClient, repositoryClient } from './client.ts';

const indexTypes = [
  'application/vnd.oci.image.index.v1+json',
  'application/vnd.docker.distribution.manifest.list.v2+json',
];
const manifestTypes = [
  'application/vnd.oci.image.manifest.v1+json',
  'application/vnd.docker.distribution.manifest.v2+json',
];
const accept = [...indexTypes, ...manifestTypes].join(', ');
const maxManifestBytes = 4 * 1_048_576;

const Digest = z.string().regex(/^sha256:[a-f0-9]{64}$/);
const Descriptor = z.object({ digest: Digest, size: z.number().nonnegative() });
const Platform = z.object({ os: z.string(), architecture: z.string(), variant: z.string().optional() });
const Manifest = z.object({ config: Descriptor, layers: z.array(Descriptor) });
const Index = z.object({ manifests: z.array(Descriptor.extend({ platform: Platform.optional() })) });

interface Stored {
  readonly digest: string;
  readonly mediaType: string;
  readonly bytes: Uint8Array<ArrayBuffer>;
}

/** Reads what registries really hold; every digest is that of the bytes that were read. */
export function registryReader(options: ClientOptions = {}): RegistryReader {
  const open = (
    text: string,
    login: RegistryLogin | null,
    actions: 'pull' | 'pull,push',
    signal: AbortSignal | undefined,
  ): { reference: ImageReference; client: RepositoryClient } => {
    const reference = parseImageReference(text);
    if (!reference) throw new PlatformError('image_unknown', `${text} is not the name of an image.`);
    return { reference, client: repositoryClient(reference, { login, actions, signal }, options) };
  };

  return {
    async inspect(text, login, signal) {
      const { reference, client } = open(text, login, 'pull', signal);
      const root = await readManifest(client, reference, reference.digest ?? reference.tag ?? 'latest');
      if (!root) return null;
      if (!indexTypes.includes(root.mediaType)) {
        const { entry, sizeBytes } = await describe(client, reference, root, null);
        return { digests: { digest: root.digest, platforms: [entry] }, sizeBytes };
      }
      const platforms: PlatformDigests[] = [];
      let total = 0;
      for (const { digest, platform } of parse(Index, root, reference).manifests) {
        // Attestations stand in an index as images of no platform.
        if (platform?.os === 'unknown') continue;
        const manifest = await readManifest(client, reference, digest);
        if (!manifest) throw broken(reference, `lacks the manifest ${digest}`);
        const { entry, sizeBytes } = await describe(
          client,
          reference,
          manifest,
          platform ? showPlatform(platform) : null,
        );
        platforms.push(entry);
        total += sizeBytes;
      }
      return { digests: { digest: root.digest, platforms }, sizeBytes: total };
    },

    async tag(text, tag, login, signal) {
      const { reference, client } = open(text, login, 'pull,push', signal);
      const stored = await readManifest(client, reference, reference.digest ?? reference.tag ?? 'latest');
      if (!stored) throw new PlatformError('image_unknown', `${text} is not in the registry.`);
      const response = await client({
        method: 'PUT',
        path: `manifests/${tag}`,
        headers: { 'content-type': stored.mediaType },
        body: stored.bytes,
      });
      await response.body?.cancel();
      if (!response.ok) throw refusal(response, reference);
    },
  };
}

/** An image's digests and size; its platform stands in its configuration unless an index told it. */
async function describe(
  client: RepositoryClient,
  reference: ImageReference,
  manifest: Stored,
  platform: string | null,
): Promise<{ entry: PlatformDigests; sizeBytes: number }> {
  const { config, layers } = parse(Manifest, manifest, reference);
  const sizeBytes = layers.reduce((sum, { size }) => sum + size, config.size);
  const told = platform ?? (await readPlatform(client, reference, config.digest));
  return { entry: { platform: told, manifest: manifest.digest, config: config.digest }, sizeBytes };
}

async function readPlatform(client: RepositoryClient, reference: ImageReference, digest: string): Promise<string> {
  const response = await client({ method: 'GET', path: `blobs/${digest}` });
  if (!response.ok) {
    await response.body?.cancel();
    if (response.status === 404) throw broken(reference, `lacks the configuration ${digest}`);
    throw refusal(response, reference);
  }
  const bytes = await readBody(response, reference);
  if (digestOf(bytes) !== digest) throw broken(reference, `answered with other bytes than those of ${digest}`);
  const config = Platform.safeParse(parseJson(bytes));
  return config.success ? showPlatform(config.data) : 'unknown/unknown';
}

async function readManifest(client: RepositoryClient, reference: ImageReference, name: string): Promise<Stored | null> {
  const response = await client({ method: 'GET', path: `manifests/${name}`, headers: { accept } });
  if (response.status === 404) {
    await response.body?.cancel();
    return null;
  }
  if (!response.ok) {
    await response.body?.cancel();
    throw refusal(response, reference);
  }
  const bytes = await readBody(response, reference);
  const digest = digestOf(bytes);
  const told = name.startsWith('sha256:') ? name : response.headers.get('docker-content-digest');
  if (told && told !== digest) throw broken(reference, `answered with other bytes than those of ${told}`);
  const mediaType = (response.headers.get('content-type') ?? '').split(';')[0]?.trim() ?? '';
  return { digest, mediaType, bytes };
}

async function readBody(response: Response, reference: ImageReference): Promise<Uint8Array<ArrayBuffer>> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  try {
    for await (const chunk of response.body ?? []) {
      chunks.push(chunk);
      size += chunk.length;
      if (size > maxManifestBytes) throw broken(reference, 'answered with a manifest that is too large');
    }
  } catch (error) {
    const network = error instanceof TypeError || (error instanceof Error && error.name === 'TimeoutError');
    if (!network) throw error;
    throw new PlatformError('registry_unavailable', `The registry ${reference.host} broke off.`, { cause: error });
  }
  return new Uint8Array(Buffer.concat(chunks));
}

function refusal({ status }: Response, { host, repository }: ImageReference): Error {
  if (status === 401 || status === 403)
    return new BuildFailed(
      buildFailure('auth_error', `The registry ${host} refuses access to ${repository} (${status}).`),
    );
  return new PlatformError('registry_unavailable', `The registry ${host} answered with ${status} for ${repository}.`);
}

function broken({ host, repository }: ImageReference, what: string): PlatformError {
  return new PlatformError('registry_unavailable', `The registry ${host} ${what} of ${repository}.`);
}

function parse<T>(shape: z.ZodType<T>, { bytes, digest }: Stored, reference: ImageReference): T {
  const result = shape.safeParse(parseJson(bytes));
  if (!result.success) throw broken(reference, `holds ${digest}, which is no image,`);
  return result.data;
}

function parseJson(bytes: Uint8Array): unknown {
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

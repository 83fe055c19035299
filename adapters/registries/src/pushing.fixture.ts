import { createHash } from 'node:crypto';
import { registryTokens } from './token/tokens.ts';

/** A registry of a data directory as its clients reach it. */
export interface PushedTo {
  readonly dataDir: string;
  readonly url: string;
}

export const testService = 'eve-registry';
const manifestType = 'application/vnd.docker.distribution.manifest.v2+json';

export function digestOf(text: string): string {
  return `sha256:${createHash('sha256').update(text).digest('hex')}`;
}

export async function tokenFor({ dataDir }: PushedTo, name: string, ...actions: string[]): Promise<string> {
  const grant = { subject: 'brun_1', service: testService, scopes: [{ type: 'repository', name, actions }] };
  return (await registryTokens({ dataDir }).sign(grant)).token;
}

/** Asks below the registry's address, or a whole one. */
export async function send(
  { url }: PushedTo,
  method: string,
  path: string,
  token: string,
  body?: string,
  type = 'application/octet-stream',
): Promise<Response> {
  const headers = { authorization: `Bearer ${token}`, 'content-type': type, accept: manifestType };
  return fetch(path.startsWith('http') ? path : url + path, { method, headers, ...(body !== undefined && { body }) });
}

/** Pushes one blob as a client does: begin an upload, then put all of it. */
export async function pushBlob(to: PushedTo, repository: string, text: string, token: string): Promise<number> {
  const begun = await send(to, 'POST', `/v2/${repository}/blobs/uploads/`, token);
  if (begun.status !== 202) return begun.status;
  const place = new URL(begun.headers.get('location') ?? '', to.url);
  place.searchParams.set('digest', digestOf(text));
  return (await send(to, 'PUT', place.href, token, text)).status;
}

/** The manifest of an image of these layers, which are texts here. */
export function manifestWith(config: string, layers: readonly string[] = []): string {
  const described = (text: string, mediaType: string) => ({ mediaType, size: text.length, digest: digestOf(text) });
  return JSON.stringify({
    schemaVersion: 2,
    mediaType: manifestType,
    config: described(config, 'application/vnd.docker.container.image.v1+json'),
    layers: layers.map((text) => described(text, 'application/vnd.docker.image.rootfs.diff.tar.gzip')),
  });
}

/** Pushes an image under a tag; its digest. */
export async function pushImage(
  to: PushedTo,
  repository: string,
  tag: string,
  layers: readonly string[],
): Promise<string> {
  const token = await tokenFor(to, repository, 'pull', 'push');
  const config = '{"architecture":"amd64","os":"linux","rootfs":{"type":"layers","diff_ids":[]}}';
  for (const text of [config, ...layers]) {
    const status = await pushBlob(to, repository, text, token);
    if (status !== 201) throw new Error(`A blob was not taken: ${status}`);
  }
  const manifest = manifestWith(config, layers);
  const { status } = await send(to, 'PUT', `/v2/${repository}/manifests/${tag}`, token, manifest, manifestType);
  if (status !== 201) throw new Error(`A manifest was not taken: ${status}`);
  return digestOf(manifest);
}

import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import type { DockerEngine } from './engine.ts';
import { DockerError, isDockerError } from './error.ts';
import { type Progress, progress } from './json-stream.ts';
import { Image, ImageSummary } from './shapes.ts';

const pullAttempts = 6;
const pullPauseMs = 500;

/** What opens a registry; it travels in a header, never in arguments. */
export interface RegistryAuth {
  readonly host: string;
  readonly username: string;
  readonly password: string;
}

/** An image by reference, digest reference or id, null when the engine does not hold it. */
export async function inspectImage(
  engine: DockerEngine,
  reference: string,
  signal?: AbortSignal,
): Promise<Image | null> {
  try {
    return Image.parse(await engine.call('GET', `/images/${reference}/json`, { signal }));
  } catch (error) {
    if (isDockerError(error, 404)) return null;
    throw error;
  }
}

/** All images that have a name or digest, not the layers between. */
export async function listImages(engine: DockerEngine): Promise<ImageSummary[]> {
  return z.array(ImageSummary).parse(await engine.call('GET', '/images/json'));
}

/** Pulls an image (`host/repository:tag` or `@digest`). Throws DockerError with what the registry said. */
export async function* pullImage(
  engine: DockerEngine,
  reference: string,
  login: RegistryAuth | null,
  signal?: AbortSignal,
): AsyncGenerator<Progress> {
  const call = { query: { fromImage: reference }, headers: authHeaders(login), signal };
  yield* progress(await engine.stream('POST', '/images/create', call));
}

/** The id of an image that the engine holds or, unless it is an image id, pulls. Throws DockerError. */
export async function ensureImage(
  engine: DockerEngine,
  reference: string,
  login: RegistryAuth | null,
  signal?: AbortSignal,
): Promise<string> {
  const held = await inspectImage(engine, reference, signal);
  if (held) return held.Id;
  if (/^sha256:[a-f0-9]{64}$/.test(reference)) throw new DockerError(404, `No such image: ${reference}`);
  await pullPatiently(engine, reference, login, signal);
  const pulled = await inspectImage(engine, reference, signal);
  if (!pulled) throw new DockerError(404, `No such image after pulling it: ${reference}`);
  return pulled.Id;
}

/** A registry that is just being started again, as when its storage is collected, refuses connections for a moment. */
async function pullPatiently(
  engine: DockerEngine,
  reference: string,
  login: RegistryAuth | null,
  signal?: AbortSignal,
): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    try {
      for await (const _ of pullImage(engine, reference, login, signal));
      return;
    } catch (error) {
      const refused = error instanceof DockerError && /connection refused|connection reset/i.test(error.message);
      if (!refused || attempt === pullAttempts) throw error;
      await sleep(pullPauseMs, undefined, { signal });
    }
  }
}

/** Whether an image could not be had because nobody has it or its registry refused, and not for an outage. */
export function whyNotPulled(error: DockerError): 'denied' | 'missing' | 'outage' {
  if (/denied|unauthorized|authentication|no basic auth/i.test(error.message)) return 'denied';
  return error.status === 404 || /not found|manifest unknown|no such image/i.test(error.message) ? 'missing' : 'outage';
}

/** Pushes a tag that the engine holds. */
export async function* pushImage(
  engine: DockerEngine,
  image: string,
  tag: string,
  login: RegistryAuth | null,
  signal?: AbortSignal,
): AsyncGenerator<Progress> {
  // The engine wants the header also when there is no login.
  const headers = { 'x-registry-auth': encoded({}), ...authHeaders(login) };
  yield* progress(await engine.stream('POST', `/images/${image}/push`, { query: { tag }, headers, signal }));
}

/** Gives an image of the engine another name. */
export async function tagImage(engine: DockerEngine, image: string, repository: string, tag: string): Promise<void> {
  await engine.call('POST', `/images/${image}/tag`, { query: { repo: repository, tag } });
}

/** Removes a name of an image, and the image with its last one; a missing one is fine. */
export async function removeImage(engine: DockerEngine, reference: string): Promise<void> {
  try {
    await engine.call('DELETE', `/images/${reference}`);
  } catch (error) {
    if (!isDockerError(error, 404)) throw error;
  }
}

function authHeaders(login: RegistryAuth | null): Record<string, string> {
  if (!login) return {};
  const { username, password, host } = login;
  return { 'x-registry-auth': encoded({ username, password, serveraddress: host }) };
}

function encoded(value: object): string {
  // Base64url, but padded: the engine's decoder insists on the padding.
  return Buffer.from(JSON.stringify(value)).toString('base64').replaceAll('+', '-').replaceAll('/', '_');
}

import { z } from 'zod';
import type { DockerEngine } from './engine.ts';
import { isDockerError } from './error.ts';
import { demultiplex } from './logs.ts';
import { Container, ContainerSummary } from './shapes.ts';

// Longer than any grace period that a container may have been given.
const longestStopMs = 60 * 60_000;

/** All containers, also stopped ones, that have these labels (`name` or `name=value`). */
export async function listContainers(
  engine: DockerEngine,
  labels: readonly string[],
  signal?: AbortSignal,
): Promise<ContainerSummary[]> {
  const query = { all: true, filters: JSON.stringify({ label: labels }) };
  return z.array(ContainerSummary).parse(await engine.call('GET', '/containers/json', { query, signal }));
}

/** A container by id or name, null when there is none. */
export async function inspectContainer(
  engine: DockerEngine,
  id: string,
  signal?: AbortSignal,
): Promise<Container | null> {
  try {
    return Container.parse(await engine.call('GET', `/containers/${id}/json`, { signal }));
  } catch (error) {
    if (isDockerError(error, 404)) return null;
    throw error;
  }
}

/** Makes a container of the engine's own creation body, without starting it; returns its id. */
export async function createContainer(
  engine: DockerEngine,
  name: string,
  body: Readonly<Record<string, unknown>>,
  signal?: AbortSignal,
): Promise<string> {
  const answer = await engine.call('POST', '/containers/create', { query: { name }, body, signal });
  return z.object({ Id: z.string() }).parse(answer).Id;
}

/** Starts a container; one that runs is left as it is. */
export async function startContainer(engine: DockerEngine, id: string, signal?: AbortSignal): Promise<void> {
  await engine.call('POST', `/containers/${id}/start`, { signal });
}

/** Stops a container gracefully, with its own stop timeout unless one is given; a gone one is fine. */
export async function stopContainer(
  engine: DockerEngine,
  id: string,
  options: { readonly timeoutSeconds?: number; readonly signal?: AbortSignal } = {},
): Promise<void> {
  const query = { t: options.timeoutSeconds };
  await orGone(
    engine.call('POST', `/containers/${id}/stop`, { query, signal: options.signal, timeoutMs: longestStopMs }),
  );
}

/** Removes a container by force, with its anonymous volumes; a gone one is fine. */
export async function removeContainer(engine: DockerEngine, id: string, signal?: AbortSignal): Promise<void> {
  // 409: its removal is already in progress.
  await orGone(engine.call('DELETE', `/containers/${id}`, { query: { force: true, v: true }, signal }), 409);
}

/** Resolves when a container does not run any more. */
export async function waitForExit(engine: DockerEngine, id: string, signal?: AbortSignal): Promise<void> {
  const answer = await engine.stream('POST', `/containers/${id}/wait`, { query: { condition: 'not-running' }, signal });
  for await (const _ of answer);
}

/** Runs a program in a running container; the exit code is null when it was cut off by the signal. */
export async function execute(
  engine: DockerEngine,
  id: string,
  command: readonly string[],
  signal?: AbortSignal,
): Promise<{ readonly code: number | null; readonly output: string }> {
  const body = { AttachStdout: true, AttachStderr: true, Cmd: command };
  const made = await engine.call('POST', `/containers/${id}/exec`, { body, signal });
  const exec = z.object({ Id: z.string() }).parse(made).Id;
  let output = '';
  try {
    const source = await engine.stream('POST', `/exec/${exec}/start`, { body: { Detach: false, Tty: false }, signal });
    for await (const { bytes } of demultiplex(source)) if (output.length < 65_536) output += bytes.toString('utf8');
  } catch (error) {
    if (signal?.aborted) return { code: null, output };
    throw error;
  }
  // A cut connection looks like an end of the output.
  if (signal?.aborted) return { code: null, output };
  const ended = await engine.call('GET', `/exec/${exec}/json`, { signal });
  return { code: z.object({ ExitCode: z.number().nullable() }).parse(ended).ExitCode, output };
}

async function orGone(call: Promise<unknown>, ...alsoFine: readonly number[]): Promise<void> {
  try {
    await call;
  } catch (error) {
    if (!isDockerError(error, 404, ...alsoFine)) throw error;
  }
}

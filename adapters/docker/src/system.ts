import type { DockerEngine } from './engine.ts';
import { jsonStream } from './json-stream.ts';
import { EngineEvent, Version } from './shapes.ts';

/** Which engine this is; also the way to ask whether it is there. */
export async function engineVersion(engine: DockerEngine, signal?: AbortSignal): Promise<Version> {
  return Version.parse(await engine.call('GET', '/version', { signal }));
}

/** What happens to containers with these labels, from now until the signal. */
export async function* engineEvents(
  engine: DockerEngine,
  labels: readonly string[],
  signal: AbortSignal,
): AsyncGenerator<EngineEvent> {
  try {
    const query = { filters: JSON.stringify({ label: labels, type: ['container'] }) };
    for await (const value of jsonStream(await engine.stream('GET', '/events', { query, signal })))
      yield EngineEvent.parse(value);
  } catch (error) {
    if (!signal.aborted) throw error;
  }
}

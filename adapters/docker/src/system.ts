import type { DockerEngine } from './engine.ts';
import { Version } from './shapes.ts';

/** Which engine this is; also the way to ask whether it is there. */
export async function engineVersion(engine: DockerEngine, signal?: AbortSignal): Promise<Version> {
  return Version.parse(await engine.call('GET', '/version', { signal }));
}

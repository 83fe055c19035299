import { type DockerEngine, dockerEngine, engineVersion, inspectImage } from '../src/index.ts';

/** Has Node and a shell; `npm start` makes it where it cannot be pulled. */
export const nodeImage = 'node:24-slim';

export interface TestEngine {
  readonly engine: DockerEngine;
  readonly nodeImageId: string;
  /** Where networks of tests take their addresses from: nothing else of the machine may have them. */
  readonly networkPool: string;
}

/** The engine that tests use, or why there is none. */
export async function testDockerEngine(): Promise<TestEngine | { readonly missing: string }> {
  const networkPool = process.env.EVE_TEST_NETWORK_POOL ?? '10.79.0.0/16';
  const socketPath = process.env.EVE_TEST_DOCKER_HOST ?? '/var/run/docker.sock';
  const engine = dockerEngine({ socketPath });
  try {
    await engineVersion(engine);
    const image = await inspectImage(engine, nodeImage);
    return image
      ? { engine, nodeImageId: image.Id, networkPool }
      : { missing: `the engine does not hold ${nodeImage}` };
  } catch (error) {
    return { missing: error instanceof Error ? error.message : String(error) };
  }
}

import { type DockerEngine, dockerEngine, engineVersion, inspectImage } from '../src/index.ts';

/** Has Node and a shell; `npm start` makes it where it cannot be pulled. */
export const nodeImage = 'node:24-slim';

/** The engine that tests use, and the id of its Node image, or why there is none. */
export async function testDockerEngine(): Promise<
  { readonly engine: DockerEngine; readonly nodeImageId: string } | { readonly missing: string }
> {
  const socketPath = process.env.EVE_TEST_DOCKER_HOST ?? '/var/run/docker.sock';
  const engine = dockerEngine({ socketPath });
  try {
    await engineVersion(engine);
    const image = await inspectImage(engine, nodeImage);
    return image ? { engine, nodeImageId: image.Id } : { missing: `the engine does not hold ${nodeImage}` };
  } catch (error) {
    return { missing: error instanceof Error ? error.message : String(error) };
  }
}

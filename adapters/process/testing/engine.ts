import { access } from 'node:fs/promises';

/** A real engine for tests, named by EVE_TEST_BUILDX and EVE_TEST_DOCKER_HOST; the reason for a skip when there is none. */
export async function testEngine(): Promise<{ buildx: string; dockerHost: string } | { missing: string }> {
  const { EVE_TEST_BUILDX: buildx, EVE_TEST_DOCKER_HOST: dockerHost } = process.env;
  if (!buildx || !dockerHost) return { missing: 'EVE_TEST_BUILDX and EVE_TEST_DOCKER_HOST name no engine' };
  for (const path of [buildx, dockerHost.replace(/^unix:\/\//, '')]) {
    const found = await access(path).then(
      () => true,
      () => false,
    );
    if (!found) return { missing: `${path} does not exist` };
  }
  return { buildx, dockerHost };
}

export { testKubernetesDeployer } from './kubernetes.ts';

import { testDockerEngine } from '@eve/adapter-docker/testing';
import type { Deployer } from '@eve/operations';
import { dockerDeployer } from '../src/index.ts';

/** A deployer on the engine that tests use, or why there is none. It gives a service up after about 3 seconds. */
export async function testDockerDeployer(installation = 'test-deployer') {
  const opened = await testDockerEngine();
  if ('missing' in opened) return opened;
  const { engine, nodeImageId, networkPool } = opened;
  const now = () => new Date();
  const deployer: Deployer = dockerDeployer({ engine, installation, now, networkPool, minimumDeadlineMs: 3_000 });
  return {
    deployer,
    engine,
    image: { image: nodeImageId, local: true, digests: [nodeImageId], login: null },
    async [Symbol.asyncDispose]() {},
  };
}

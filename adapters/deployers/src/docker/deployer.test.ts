import { testDockerEngine } from '@eve/adapter-docker/testing';
import { testDeployer } from '../../../../operations/testing/deployer-contract.ts';
import { dockerDeployer } from './deployer.ts';

testDeployer('docker', async () => {
  const opened = await testDockerEngine();
  if ('missing' in opened) return opened;
  const { engine, nodeImageId, networkPool } = opened;
  return {
    deployer: dockerDeployer({
      engine,
      installation: 'test-deployer',
      now: () => new Date(),
      networkPool,
      minimumDeadlineMs: 3_000,
    }),
    image: { image: nodeImageId, local: true, digests: [nodeImageId], login: null },
    async [Symbol.asyncDispose]() {},
  };
});

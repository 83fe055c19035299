import { testDockerEngine } from '@eve/adapter-docker/testing';
import { testRunner } from '../../../../operations/testing/runner-contract.ts';
import { dockerRunner } from './runner.ts';

testRunner('docker', async () => {
  const opened = await testDockerEngine();
  if ('missing' in opened) return opened;
  return {
    runner: dockerRunner({ engine: opened.engine, installation: `test-runner-${process.pid}` }),
    image: opened.nodeImageId,
    async [Symbol.asyncDispose]() {},
  };
});

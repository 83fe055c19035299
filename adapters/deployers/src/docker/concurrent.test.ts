import assert from 'node:assert/strict';
import { it } from 'node:test';
import { testDockerEngine } from '@eve/adapter-docker/testing';
import { applied, contractPlace, get, instanceOf } from '../../../../operations/testing/deployer-target.ts';
import { dockerDeployer } from './deployer.ts';

const never = new AbortController().signal;

it('deploys that choose the same subnets and ports at once give way to each other', async (test) => {
  const opened = await testDockerEngine();
  if ('missing' in opened) return test.skip(opened.missing);
  const { engine, nodeImageId, networkPool } = opened;
  const image = { image: nodeImageId, local: true, digests: [nodeImageId], login: null };
  const deployer = () =>
    dockerDeployer({
      engine,
      installation: 'test-concurrent',
      now: () => new Date(),
      networkPool,
      random: () => 0.5,
    });

  const answers = await Promise.all(
    [1, 2, 3].map(async () => {
      const place = contractPlace(image);
      const one = deployer();
      try {
        const target = place.target({ name: 'web' }, { name: 'api', variables: { VERSION: place.place } });
        await applied(one, target);
        return [place.place, await get(await instanceOf(one, target, 'web'), '/ask?host=api&port=3000')];
      } finally {
        await one.removeEnvironment(place.environmentId, { volumes: true }, never);
      }
    }),
  );

  for (const [place, answer] of answers) assert.equal(answer, place);
});

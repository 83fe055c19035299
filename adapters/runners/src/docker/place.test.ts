import assert from 'node:assert/strict';
import { it } from 'node:test';
import { testDockerDeployer } from '@eve/adapter-deployers/testing';
import { inspectContainer } from '@eve/adapter-docker';
import type { RunnerPlan } from '@eve/operations';
import { applied, contractPlace, lease } from '../../../../operations/testing/deployer-target.ts';
import { dockerRunner } from './runner.ts';

const never = new AbortController().signal;

it('a run in the place of an environment reaches its services by name and goes with it', async (test) => {
  const installation = `test-run-place-${process.pid}`;
  const opened = await testDockerDeployer(installation);
  if ('missing' in opened) return test.skip(opened.missing);
  const { deployer, engine, image } = opened;
  const runner = dockerRunner({ engine, installation });
  const { environmentId, place, target } = contractPlace(image);
  const program = `
    fetch('http://api:3000/').then((answer) => answer.text()).then(console.log, (error) => console.log(error.cause.code))`;
  const plan: RunnerPlan = {
    name: `${place}-run-migrate`,
    image: image.image,
    command: ['node', '-e', program],
    environment: {},
    place,
    environmentId,
    login: null,
    limits: { memoryBytes: 128 * 1024 * 1024, cpus: 0.5 },
  };
  try {
    await assert.rejects(runner.ensure(plan, lease), { code: 'engine_unavailable', message: /no network/ });
    const wanted = target({ name: 'api', variables: { VERSION: 'the api' } }, { name: 'web' });
    await applied(deployer, wanted, lease, { api: 0, web: 0 });
    const alone: string[] = [];
    const ref = await runner.ensure(plan, lease);
    for await (const event of runner.follow(ref, null, never)) if (event.type === 'log') alone.push(event.text);
    await runner.stop(ref);
    await applied(deployer, wanted, lease, { web: 0 });

    const printed: string[] = [];
    await runner.ensure(plan, lease);
    for await (const event of runner.follow(ref, null, never)) if (event.type === 'log') printed.push(event.text);

    assert.match(alone.join(), /ENOTFOUND|EAI_AGAIN/);
    assert.deepEqual(printed, ['the api']);
    assert.deepEqual(
      (await deployer.observe(environmentId)).map(({ service }) => service),
      ['api'],
    );
    assert.ok((await deployer.strays([])).some(({ kind, name }) => kind === 'container' && name === plan.name));
    assert.deepEqual(await runner.list(), [plan.name]);
    await deployer.removeEnvironment(environmentId, { volumes: true }, never);
    assert.equal(await inspectContainer(engine, plan.name), null);
  } finally {
    await runner.stop(plan.name);
    await deployer.removeEnvironment(environmentId, { volumes: true }, never);
  }
});

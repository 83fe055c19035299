import assert from 'node:assert/strict';
import { after, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  type DeployTarget,
  environmentLogs,
  followEnvironmentLogs,
  type Platform,
  removeInstances,
} from '@eve/operations';
import { applied, contractPlace, get, instanceOf } from '../../../../operations/testing/deployer-target.ts';
import {
  deployed,
  eachOnSampleProject,
  environmentNow,
  type SampleProject,
  type TestPlatform,
} from '../../../../operations/testing/index.ts';
import { testDockerDeployer } from '../../testing/index.ts';

const opened = await testDockerDeployer('test-runtime-logs');
const never = new AbortController().signal;

let test: TestPlatform;
let shop: SampleProject;

eachOnSampleProject((scene) => {
  ({ test, shop } = scene);
});

/** The records of a deploy, and what it would have brought about on the engine. */
async function target(place: ReturnType<typeof contractPlace>): Promise<DeployTarget> {
  const commit = await shop.commit();
  await shop.built(commit);
  const { id: deployId } = await deployed(test, shop, commit);
  return {
    ...place.target({ name: 'web', variables: { VERSION: deployId } }),
    deployId,
    environment: await environmentNow(test, shop),
  };
}

describe('the logs of an environment on an engine', { skip: 'missing' in opened && opened.missing }, () => {
  if ('missing' in opened) return;
  const { deployer } = opened;
  const place = contractPlace(opened.image);
  const environments: DeployTarget['environment'][] = [];
  after(async () => {
    for (const { id } of environments) await deployer.removeEnvironment(id, { volumes: true }, never);
  });

  it('go from one revision to the next without a line twice or missing, and outlive the container to its last line', async () => {
    const first = await target(place);
    environments.push(first.environment);
    const platform: Platform = { ...test.platform, deployer };
    const question = { projectId: shop.project.id, envName: 'test', service: 'web' };
    await applied(deployer, first);
    const before = await instanceOf(deployer, first, 'web');
    await get(before, '/print?text=one');

    const stop = new AbortController();
    const news = await followEnvironmentLogs(
      platform,
      shop.caller,
      question,
      AbortSignal.any([stop.signal, AbortSignal.timeout(60_000)]),
    );
    const seen: string[] = [];
    const following = (async () => {
      for await (const each of news)
        seen.push(
          ...(each.type === 'lines' ? each.lines.map(({ revision, text }) => `${revision} ${text}`) : [each.state]),
        );
    })();
    const until = async (text: string) => {
      while (!seen.includes(text) && !stop.signal.aborted) await sleep(20);
    };
    await until('followed');
    await get(before, '/print?text=two');
    const second = await target(place);
    await applied(deployer, second);
    const now = await instanceOf(deployer, second, 'web');
    await get(now, '/print?text=three');
    await until('2 three');
    await removeInstances(platform, await environmentNow(test, shop), [before], never);
    await until('gone');
    await get(now, '/print?text=four');
    await until('2 four');
    stop.abort();
    await following;

    // What the scripted engine of the records printed is kept too.
    const plain = (lines: readonly string[]) =>
      lines.filter((line) => !/ (starting|ready) |followed|gone|listens/.test(line));
    assert.deepEqual(plain(seen), ['1 one', '1 two', '2 three', '1 stopping', '1 stopped', '2 four']);
    assert.equal((await deployer.observe(first.environment.id)).length, 1);
    const { lines } = await environmentLogs(platform, shop.caller, question, never);
    const kept = lines.map(({ revision, text }) => `${revision} ${text}`);
    assert.deepEqual(plain(kept), plain(seen));
    assert.ok(kept.includes(`1 starting ${first.deployId}`) && kept.includes(`2 starting ${second.deployId}`));
  });
});

import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { describeDeployer, never, type OpenDeployer } from './deployer-bench.ts';
import { applied, failureOf, get, instanceOf, lease, served } from './deployer-target.ts';

/** What every deployer must do with a service that writes to a volume, against the real thing. */
export function testDeployerVolumes(name: string, open: OpenDeployer): void {
  describeDeployer(`${name}, with volumes,`, open, (inPlace) => {
    inPlace(
      'replaces a service that writes to a volume, and brings it back when the new one fails',
      async (deployer, place) => {
        const more = { volumes: [{ name: 'data', path: '/data', readOnly: false }] };
        const store = (VERSION: string, HEALTH = '200') => ({
          name: 'db',
          more,
          variables: { VERSION, HEALTH, DATA: '/data' },
        });
        await applied(deployer, place.target(store('one')));

        const second = place.target(store('two'));
        const plan = await deployer.plan(second);
        await applied(deployer, second);
        await served(deployer, second);
        const stopped = (await deployer.observe(place.environmentId)).filter(
          ({ deployId }) => deployId !== second.deployId,
        );
        await deployer.remove(stopped, never);
        const third = place.target(store('three', '500'));
        const failure = await failureOf(deployer, third);
        const failed = (await deployer.observe(place.environmentId)).filter(
          ({ deployId }) => deployId === third.deployId,
        );
        await deployer.remove(failed, never);

        assert.equal(plan[0]?.kind, 'replace');
        // Where instances can be stopped and kept, what was replaced waits until somebody removes it.
        assert.deepEqual(
          stopped.map(({ state }) => state),
          deployer.exchange.by === 'halting' ? ['exited'] : [],
        );
        assert.equal(failure.code, 'health_check_failed');
        const [left, ...more2] = await deployer.observe(place.environmentId);
        assert.deepEqual([left?.deployId, left?.state, left?.named, more2], [second.deployId, 'running', true, []]);
        await sleep(500);
        assert.equal(await get(await instanceOf(deployer, second, 'db'), '/starts'), 'one\ntwo\nthree\ntwo\n');
      },
    );

    inPlace(
      'brings a replaced service back when the deploy is given up and its instances removed',
      async (deployer, place) => {
        const more = { volumes: [{ name: 'data', path: '/data', readOnly: false }] };
        const first = place.target({ name: 'db', more, variables: { DATA: '/data' } });
        await applied(deployer, first);

        const second = place.target({ name: 'db', more, variables: { DATA: '/data', HEALTH: '500' } });
        const cancel = new AbortController();
        const giveUp = async () => {
          for await (const event of deployer.apply(second, lease, cancel.signal))
            if (event.type === 'probed') cancel.abort();
        };
        await assert.rejects(giveUp(), { name: 'AbortError' });
        const begun = (await deployer.observe(place.environmentId)).filter(
          ({ deployId }) => deployId === second.deployId,
        );
        await deployer.remove(begun, never);

        const left = await deployer.observe(place.environmentId);
        assert.deepEqual(
          left.map(({ deployId, state, named }) => [deployId, state, named]),
          [[first.deployId, 'running', true]],
        );
      },
    );
  });
}

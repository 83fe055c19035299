import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { DeployFailed, type DeployFailure, defaultUpdate } from '@eve/domain';
import type { Deployer, DeployerEvent, DeployTarget, Rolling } from '../src/index.ts';
import { describeDeployer, never, type OpenDeployer } from './deployer-bench.ts';
import { applied, get, httpHealth, instanceOf, lease, served, until } from './deployer-target.ts';

/** What a deployer does besides that exchanges instances itself. */
export function testRollingDeployer(name: string, open: OpenDeployer): void {
  describeDeployer(`${name}, which rolls,`, open, (inPlace) => {
    inPlace('exchanges what serves, some at a time, and never has fewer than are wanted', async (deployer, place) => {
      const more = { replicas: 3, update: { ...defaultUpdate, parallelism: 1 } };
      const web = (VERSION: string) => ({ name: 'web', variables: { VERSION }, more });
      const client = { name: 'client' };
      const [old, next] = [place.target(client, web('old')), place.target(client, web('new'))];
      await rolled(deployer, old);
      const asking = await instanceOf(deployer, old, 'client');
      const before = await deployer.observe(place.environmentId);

      const counts: number[] = [];
      const events: DeployerEvent[] = [];
      await during(
        async () => {
          events.push(...(await rolled(deployer, next)));
        },
        async () => {
          const all = (await deployer.observe(place.environmentId)).filter(({ service }) => service === 'web');
          counts.push(all.length);
        },
      );

      const now = await deployer.observe(place.environmentId);
      assert.deepEqual(now.map(({ service, hash }) => [service, hash]).toSorted(), wanted(next));
      assert.ok(now.every(({ named }) => named));
      assert.equal(now.find(({ service }) => service === 'client')?.name, asking.name);
      assert.ok(counts.length > 2 && Math.min(...counts) >= 3 && Math.max(...counts) <= 4, counts.join());
      const started = events.flatMap((event) => (event.type === 'started' ? [event.instance.name] : []));
      assert.equal(new Set(started).size, 3);
      assert.ok(before.every((each) => !started.includes(each.name)));
      await until(async () => (await get(asking, '/ask?host=web&port=3000')) === 'new');
    });

    inPlace(
      'leaves what serves when a roll fails, and rolls back quietly where nothing differs',
      async (deployer, place) => {
        const web = (VERSION: string, HEALTH: string) => ({
          name: 'web',
          variables: { VERSION, HEALTH },
          more: { replicas: 2, probes: { live: null, ready: httpHealth, startup: null } },
        });
        const client = { name: 'client' };
        const old = place.target(client, web('old', '200'));
        await rolled(deployer, old);
        const asking = await instanceOf(deployer, old, 'client');

        const next = place.target(client, web('new', '503'));
        const failure = await failedRoll(deployer, next);
        const meanwhile = await get(asking, '/ask?host=web&port=3000');
        const back = await rolled(deployer, old);
        const left = await deployer.observe(place.environmentId);
        const again = await rolled(deployer, old);

        assert.deepEqual([failure.code, failure.service], ['health_check_failed', 'web']);
        assert.ok(failure.instances.some(({ service }) => service === 'web'));
        assert.equal(meanwhile, 'old');
        assert.deepEqual(left.map(({ service, hash }) => [service, hash]).toSorted(), wanted(old));
        assert.ok(left.every(({ named, state }) => named && state === 'running'));
        assert.ok(
          back.every((event) => event.type !== 'started'),
          'the old ones were never gone',
        );
        assert.deepEqual(again, []);
        assert.deepEqual(await deployer.observe(place.environmentId), left);
      },
    );

    inPlace('leaves services alone that a part of a revision does not name', async (deployer, place) => {
      const whole = place.target({ name: 'client' }, { name: 'web' });
      await rolled(deployer, whole);
      const before = await deployer.observe(place.environmentId);
      const asking = await instanceOf(deployer, whole, 'client');

      const events = await rolled(deployer, { ...whole, services: whole.services.slice(0, 1) });

      assert.deepEqual(events, []);
      assert.deepEqual(await deployer.observe(place.environmentId), before);
      await until(async () => (await get(asking, '/ask?host=web&port=3000')) === 'v1');
    });

    inPlace('stops first where that is asked for', async (deployer, place) => {
      const update = { ...defaultUpdate, parallelism: 1, order: 'stop-first' as const };
      const web = (VERSION: string) => ({ name: 'web', variables: { VERSION }, more: { replicas: 2, update } });
      await rolled(deployer, place.target(web('old')));
      const next = place.target(web('new'));

      let most = 0;
      await during(
        () => rolled(deployer, next),
        async () => {
          most = Math.max(most, (await deployer.observe(place.environmentId)).length);
        },
      );

      assert.equal(most, 2);
      const now = await deployer.observe(place.environmentId);
      assert.deepEqual(now.map(({ service, hash }) => [service, hash]).toSorted(), wanted(next));
    });

    inPlace('never has two that write to one volume', async (deployer, place) => {
      const more = { volumes: [{ name: 'data', path: '/data', readOnly: false }] };
      const store = (VERSION: string) => ({ name: 'db', more, variables: { VERSION, DATA: '/data' } });
      const first = place.target(store('one'));
      await rolled(deployer, first);
      const second = place.target(store('two'));

      await rolled(deployer, second);
      await rolled(deployer, first);

      assert.equal(await get(await instanceOf(deployer, first, 'db'), '/starts'), 'one\ntwo\none\n');
      assert.equal((await deployer.observe(place.environmentId)).length, 1);
    });

    inPlace('rolls where a deploy beside the old one has left off', async (deployer, place) => {
      const web = (VERSION: string) => ({ name: 'web', variables: { VERSION } });
      const first = place.target(web('one'));
      await applied(deployer, first);
      await served(deployer, first);
      const second = place.target(web('two'));
      await applied(deployer, second);
      await served(deployer, second);
      const former = (await deployer.observe(place.environmentId)).filter(({ named }) => !named);
      await deployer.remove(former, never);
      const third = place.target(web('three'));

      await rolled(deployer, third);

      const now = await deployer.observe(place.environmentId);
      assert.deepEqual(
        now.map(({ hash, named }) => [hash, named]),
        [[third.services[0]?.hash, true]],
      );
    });
  });
}

/** How a deployer exchanges instances, where the contract's test is of those that do so themselves. */
export function rolling({ exchange }: Deployer): Rolling {
  if (exchange.by !== 'rolling') throw new Error('This deployer has its instances exchanged.');
  return exchange;
}

/** Everything that a roll reports. */
export async function rolled(deployer: Deployer, target: DeployTarget): Promise<DeployerEvent[]> {
  const events: DeployerEvent[] = [];
  for await (const event of rolling(deployer).roll(target, lease, never)) events.push(event);
  return events;
}

async function failedRoll(deployer: Deployer, target: DeployTarget): Promise<DeployFailure> {
  try {
    await rolled(deployer, target);
  } catch (error) {
    if (error instanceof DeployFailed) return error.failure;
    throw error;
  }
  throw new Error('The roll succeeded.');
}

/** One pair of service and hash for each instance that a target wants. */
function wanted({ services }: DeployTarget): string[][] {
  return services
    .flatMap(({ service, hash }) => Array.from({ length: service.replicas }, () => [service.name, hash]))
    .toSorted();
}

/** Looks again and again until the act has ended. */
async function during(act: () => Promise<unknown>, look: () => Promise<void>): Promise<void> {
  let ended = false;
  const acting = act().finally(() => {
    ended = true;
  });
  const looking = (async () => {
    for (; !ended; await sleep(50)) await look();
  })();
  await Promise.all([acting, looking]);
}

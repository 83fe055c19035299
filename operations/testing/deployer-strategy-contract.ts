import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import type { DeployerEvent } from '../src/index.ts';
import { describeDeployer, never, type OpenDeployer } from './deployer-bench.ts';
import { applied, get, httpHealth, instanceOf, lease, served, until } from './deployer-target.ts';

const named = (events: readonly DeployerEvent[], type: 'started' | 'healthy') =>
  events.flatMap((event) => (event.type === type ? [event.instance.name] : []));

/** What every deployer gives to strategies: parts of a revision, probes, graceful ends, and instances taken up again. */
export function testDeployerStrategies(name: string, open: OpenDeployer): void {
  describeDeployer(`${name}, under a strategy,`, open, (inPlace) => {
    inPlace('brings up as many instances as it is told, and none twice', async (deployer, place) => {
      const target = place.target({ name: 'web', more: { replicas: 3 } }, { name: 'api' });
      const upTo = (web: number) => applied(deployer, target, lease, { web, api: 0 });

      const none = await upTo(0);
      const first = named(await upTo(1), 'started');
      await served(deployer, target);
      const second = await upTo(2);
      const third = await upTo(3);

      assert.deepEqual(none, []);
      assert.equal(first.length, 1);
      assert.equal(named(second, 'started').length, 1);
      assert.ok(named(second, 'healthy').includes(first[0] ?? ''), 'the first is kept');
      const all = (await deployer.observe(place.environmentId)).map((each) => each.name);
      assert.deepEqual(all.toSorted(), [...new Set([...named(third, 'healthy')])].toSorted());
      assert.equal(all.length, 3);
    });

    inPlace(
      'takes up what served before and still runs, and starts another when it is not well',
      async (deployer, place) => {
        const web = (VERSION: string) => ({ name: 'web', variables: { VERSION } });
        const first = place.target(web('one'));
        await applied(deployer, first);
        await served(deployer, first);
        const before = await instanceOf(deployer, first, 'web');
        const second = place.target(web('two'));
        await applied(deployer, second);
        await served(deployer, second);

        const third = { ...place.target(web('one')), reusable: [before.name] };
        const plan = await deployer.plan(third);
        const events = await applied(deployer, third);
        await get(before, '/break');
        await until(async () => {
          const [wanted] = third.services;
          return wanted && (await deployer.probe(wanted, before, never)).some(({ ok }) => !ok);
        });
        const again = await applied(deployer, third);

        assert.deepEqual(
          plan.map(({ kind, reason, instances }) => [kind, reason.slice(0, 14), instances]),
          [['keep', 'taken up again', 1]],
        );
        assert.deepEqual([named(events, 'started'), named(events, 'healthy')], [[], [before.name]]);
        const probes = events.flatMap((event) => (event.type === 'probed' ? [event.probe] : []));
        assert.deepEqual(
          probes.map(({ ok, detail }) => [ok, detail.split(':')[0]]),
          [[true, 'GET /health']],
        );
        assert.equal(named(again, 'started').length, 1);
        assert.ok(!named(again, 'healthy').includes(before.name));
      },
    );

    inPlace('tells whether an instance is still well, by all its checks', async (deployer, place) => {
      const none = { live: null, ready: null, startup: null };
      const target = place.target(
        { name: 'web', more: { probes: { ...none, ready: httpHealth, live: { ...httpHealth, path: '/started' } } } },
        { name: 'tcp', more: { probes: none } },
        { name: 'worker', port: null, variables: { PORT: '3000' } },
      );
      await applied(deployer, target);
      const instances = await deployer.observe(place.environmentId);
      const probe = async (service: string) => {
        const wanted = target.services.find((each) => each.service.name === service);
        const instance = instances.find((each) => each.service === service);
        assert.ok(wanted && instance);
        const probes = await deployer.probe(wanted, instance, never);
        return probes.map(({ ok, detail }) => `${ok ? 'well' : 'bad'}: ${detail}`);
      };
      const asked = async (service: string) => (await probe(service)).map((text) => text.split(':', 2).join(':'));

      assert.deepEqual(await asked('web'), ['well: GET /health', 'well: GET /started']);
      assert.deepEqual(await asked('tcp'), ['well: connect port 3000']);
      assert.deepEqual(await asked('worker'), ['well: running']);
      await get(await instanceOf(deployer, target, 'web'), '/break');
      const tcp = await instanceOf(deployer, target, 'tcp');
      await get(tcp, '/exit');
      await until(async () => (await probe('web'))[0] === 'bad: GET /health: 500');
      await until(async () => (await probe('tcp')).join() === 'bad: exited and was restarted, 1 times');
      await deployer.remove([tcp], never);
      assert.deepEqual(await probe('tcp'), ['bad: it was removed']);
    });

    inPlace('gives each service its own time to stop, and ends it after that', async (deployer, place) => {
      const variables = { STOP_AFTER: '4000' };
      const target = place.target(
        { name: 'patient', variables, more: { stopGracePeriodMs: 9_000 } },
        { name: 'hasty', variables, more: { stopGracePeriodMs: 1_000 } },
      );
      await applied(deployer, target);
      const instances = await deployer.observe(place.environmentId);
      const printed = instances.map(async ({ name, service }) => {
        const lines: string[] = [];
        for await (const { text } of deployer.logs({ name }, { follow: true }, never)) lines.push(text);
        return [service, lines.at(-1)];
      });
      await sleep(500);

      await deployer.remove(instances, never);

      assert.deepEqual((await Promise.all(printed)).toSorted(), [
        ['hasty', 'stopping'],
        ['patient', 'stopped'],
      ]);
    });
  });
}

import assert from 'node:assert/strict';
import type { CommandCheck } from '@eve/domain';
import { describeDeployer, never, type OpenDeployer } from './deployer-bench.ts';
import { applied, get, halting, httpHealth, instanceOf, lease, served, until } from './deployer-target.ts';

/** What a deployer does besides whose instances can be stopped and started one by one: exact names, halts, and what its own checks answer. */
export function testHaltingDeployer(name: string, open: OpenDeployer): void {
  describeDeployer(`${name}, which halts,`, open, (inPlace) => {
    inPlace('gives names to exactly the instances that it is told', async (deployer, place) => {
      const client = { name: 'client' };
      const old = place.target(client, { name: 'api', variables: { VERSION: 'old' }, more: { replicas: 2 } });
      await applied(deployer, old);
      await served(deployer, old);
      const next = place.target(client, { name: 'api', variables: { VERSION: 'new' } });
      await applied(deployer, next);
      const all = await deployer.observe(place.environmentId);
      const asking = await instanceOf(deployer, old, 'client');
      const [one, two] = all.filter(({ service, deployId }) => service === 'api' && deployId === old.deployId);
      const fresh = await instanceOf(deployer, next, 'api');
      const serving = async (...instances: (typeof one)[]) => {
        const names = instances.flatMap((each) => each?.name ?? []);
        await deployer.serve(next, [asking.name, ...names], lease, never);
        const now = (await deployer.observe(place.environmentId)).filter((each) => each.named);
        return now.flatMap((each) => (each.service === 'api' ? [each.name] : [])).toSorted();
      };

      assert.deepEqual(await serving(two, fresh), [two?.name, fresh.name].toSorted());
      assert.deepEqual(await serving(fresh), [fresh.name]);
      assert.equal(await get(asking, '/ask?host=api&port=3000'), 'new');
      assert.deepEqual(await serving(one), [one?.name]);
      assert.equal(await get(asking, '/ask?host=api&port=3000'), 'old');
    });

    inPlace('tells whether an instance is still well, by all its checks', async (deployer, place) => {
      const command: CommandCheck = {
        test: { shell: true, command: ['test ! -e /tmp/broken'] },
        ...{ intervalMs: 30_000, timeoutMs: 3_000, retries: 3, startPeriodMs: 0 },
      };
      const none = { live: null, ready: null, startup: null };
      const target = place.target(
        { name: 'web', more: { probes: { ...none, ready: httpHealth, live: { ...httpHealth, path: '/started' } } } },
        { name: 'tcp', more: { probes: none } },
        { name: 'check', more: { probes: none, healthcheck: command } },
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

      assert.deepEqual(await probe('web'), ['well: GET /health: 200', 'well: GET /started: 200']);
      assert.deepEqual(await probe('tcp'), ['well: connect port 3000: accepted']);
      assert.deepEqual(await probe('check'), ['well: health check exited with 0']);
      assert.deepEqual(await probe('worker'), ['well: running']);
      await get(await instanceOf(deployer, target, 'web'), '/break');
      await get(await instanceOf(deployer, target, 'tcp'), '/exit');
      await until(async () => (await probe('tcp')).join() !== 'well: connect port 3000: accepted');
      assert.deepEqual(await probe('web'), ['bad: GET /health: 500', 'well: GET /started: 200']);
      await until(async () => (await probe('tcp')).join() === 'bad: exited and was restarted, 1 times');
      const check = await instanceOf(deployer, target, 'check');
      await halting(deployer).halt([check], never);
      assert.deepEqual(await probe('check'), ['bad: exited, exited with 0']);
      await deployer.remove([check], never);
      assert.deepEqual(await probe('check'), ['bad: it was removed']);
    });

    inPlace('halts gracefully without removing, and resumes at the same port and name', async (deployer, place) => {
      const target = place.target({ name: 'client' }, { name: 'web', variables: { STOP_AFTER: '700' } });
      await applied(deployer, target);
      await served(deployer, target);
      const web = await instanceOf(deployer, target, 'web');

      await halting(deployer).halt([web], never);
      await halting(deployer).halt([web], never);
      const halted = (await deployer.observe(place.environmentId)).find((each) => each.name === web.name);
      const said = await deployer.tail(web, 2);
      await halting(deployer).resume([web], never);
      await halting(deployer).resume([web], never);
      await until(async () => (await deployer.tail(web, 1))[0]?.startsWith('ready'));

      assert.equal(halted?.state, 'exited');
      assert.deepEqual(said, ['stopping', 'stopped']);
      const resumed = await instanceOf(deployer, target, 'web');
      assert.deepEqual([resumed.name, resumed.ports, resumed.named], [web.name, web.ports, true]);
      assert.equal(await get(await instanceOf(deployer, target, 'client'), '/ask?host=web&port=3000'), 'v1');
    });
  });
}

import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import type { CommandCheck } from '@eve/domain';
import { describeDeployer, never, type OpenDeployer } from './deployer-bench.ts';
import { applied, failureOf, get, instanceOf, lease, served, until } from './deployer-target.ts';

/** What every deployer must do to bring a revision up, against the real thing. */
export function testDeployer(name: string, open: OpenDeployer): void {
  describeDeployer(name, open, (inPlace) => {
    inPlace(
      'starts services in the order of depends_on, and each finds the others by name',
      async (deployer, place) => {
        const target = place.target(
          { name: 'web', more: { dependsOn: [{ service: 'api', condition: 'healthy' }] } },
          { name: 'api', variables: { VERSION: 'api-1', READY_AFTER: '500' } },
        );

        const events = await applied(deployer, target);

        const order = events.flatMap((event) =>
          event.type === 'started' || event.type === 'healthy' ? `${event.type} ${event.instance.service}` : [],
        );
        assert.deepEqual(order, ['started api', 'healthy api', 'started web', 'healthy web']);
        assert.equal(await get(await instanceOf(deployer, target, 'web'), '/ask?host=api&port=3000'), 'api-1');
      },
    );

    inPlace('leaves an instance running whose hash did not change', async (deployer, place) => {
      const first = place.target({ name: 'web' });
      await applied(deployer, first);
      await served(deployer, first);
      const before = await deployer.observe(place.environmentId);

      const second = place.target({ name: 'web' });
      const plan = await deployer.plan(second);
      await applied(deployer, second);
      await served(deployer, second);

      assert.deepEqual(
        plan.map(({ service, kind }) => [service, kind]),
        [['web', 'keep']],
      );
      assert.deepEqual(await deployer.observe(place.environmentId), before);
    });

    inPlace('starts a changed service beside the old one, which has the name until serve', async (deployer, place) => {
      const client = { name: 'client' };
      const more = { expose: [7_000] };
      const old = place.target(client, { name: 'api', variables: { VERSION: 'old', TCP: '1' }, more });
      await applied(deployer, old);
      await served(deployer, old);
      const asking = await instanceOf(deployer, old, 'client');
      await until(async () => {
        await get(asking, '/hold?host=api');
        return JSON.parse(await get(asking, '/held')).open;
      });

      const next = place.target(client, { name: 'api', variables: { VERSION: 'new', TCP: '1' }, more });
      await applied(deployer, next);
      const before = await get(asking, '/ask?host=api&port=3000');
      await served(deployer, next);
      const afterwards = await get(asking, '/ask?host=api&port=3000');
      await sleep(400);

      assert.deepEqual([before, afterwards], ['old', 'new']);
      const held: { open: boolean; answers: number } = JSON.parse(await get(asking, '/held'));
      assert.ok(held.open && held.answers > 5, 'a connection to the old instance stays open');
      const named = (await deployer.observe(place.environmentId)).filter((each) => each.named);
      assert.deepEqual(named.map(({ service, deployId }) => [service, deployId]).toSorted(), [
        ['api', next.deployId],
        ['client', old.deployId],
      ]);
    });

    inPlace(
      'fails with what was probed and printed when a service does not become healthy',
      async (deployer, place) => {
        const failure = await failureOf(deployer, place.target({ name: 'web', variables: { HEALTH: '503' } }));

        assert.equal(failure.code, 'health_check_failed');
        assert.equal(failure.service, 'web');
        assert.equal(failure.probes.at(-1)?.detail, 'GET /health: 503');
        assert.ok(failure.logs.includes('starting v1'));
      },
    );

    inPlace('fails when a service exits again and again', async (deployer, place) => {
      const failure = await failureOf(deployer, place.target({ name: 'web', variables: { EXIT: '3' } }));

      assert.equal(failure.code, 'container_exited');
      assert.match(failure.message, /web exited with 3/);
      assert.ok(failure.logs.includes('cannot go on'));
    });

    inPlace('fails when a program or an image is not there', async (deployer, place) => {
      const program = await failureOf(deployer, place.target({ name: 'web', more: { command: ['/no/such/program'] } }));
      const image = { image: `127.0.0.1:9/no/such@sha256:${'0'.repeat(64)}`, local: false };
      const pulled = await failureOf(deployer, place.target({ name: 'api', image }));

      assert.equal(program.code, 'container_exited');
      assert.equal(pulled.code, 'image_pull_error');
    });

    inPlace(
      'goes on where an earlier worker was interrupted, and refuses that one from then on',
      async (deployer, place) => {
        const target = place.target({ name: 'web', variables: { READY_AFTER: '1500' } });
        for await (const event of deployer.apply(target, lease, never)) if (event.type === 'started') break;
        const begun = await deployer.observe(place.environmentId);

        await applied(deployer, target, { ...lease, fence: 2 });
        const added = { ...target, services: place.target({ name: 'web' }, { name: 'api' }).services };
        await applied(deployer, added, { ...lease, fence: 2 });

        assert.equal((await instanceOf(deployer, target, 'web')).hash, added.services[0]?.hash);
        assert.equal(begun.length, 1);
        await assert.rejects(applied(deployer, target, lease), { code: 'lease_lost' });
        await assert.rejects(deployer.serve(target, [], lease, never), { code: 'lease_lost' });
      },
    );

    inPlace(
      'sees at once that a service is ready, also by a health check with long pauses',
      async (deployer, place) => {
        const ask =
          'fetch(`http://127.0.0.1:3000/health`).then((r) => process.exit(r.ok ? 0 : 1), () => process.exit(1))';
        const healthcheck: CommandCheck = {
          test: { shell: true, command: [`node -e '${ask}'`] },
          intervalMs: 30_000,
          timeoutMs: 3_000,
          retries: 3,
          startPeriodMs: 0,
        };
        const probes = { live: null, ready: null, startup: null };
        const variables = { READY_AFTER: '1500' };
        const target = place.target(
          { name: 'http', variables },
          { name: 'check', variables, more: { probes, healthcheck } },
          { name: 'tcp', variables, more: { probes } },
          { name: 'worker', port: null, variables: { PORT: '3000' } },
        );

        const healthyAt = new Map<string, number>();
        for await (const event of deployer.apply(target, lease, never))
          if (event.type === 'healthy') healthyAt.set(event.instance.service, Date.now());

        for (const [service, at] of healthyAt) {
          const lines = await deployer.tail(await instanceOf(deployer, target, service), 10);
          const readyAt = Number(lines.find((line) => line.startsWith('ready '))?.slice(6));
          console.log(`${service}: healthy ${at - readyAt} ms after it was ready`);
          assert.ok(at - readyAt >= 0 && at - readyAt < 2_500, `${service}: ${at - readyAt} ms`);
        }
        assert.equal(healthyAt.size, 4);
      },
    );

    inPlace('reports digests, states and ports as the runtime has them', async (deployer, place) => {
      const target = place.target({ name: 'web', more: { replicas: 2 } });
      await applied(deployer, target);
      await served(deployer, target);

      const instances = await deployer.observe(place.environmentId);

      assert.equal(instances.length, 2);
      for (const instance of instances) {
        const digests = target.services[0]?.digests ?? [];
        assert.ok(instance.digests.some((digest) => new Set<string>(digests).has(digest)));
        assert.deepEqual([instance.named, instance.state, instance.restarts], [true, 'running', 0]);
        assert.equal(await get(instance, '/'), 'v1');
      }
    });
  });
}

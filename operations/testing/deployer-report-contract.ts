import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Deployer, Instance, RuntimeLine } from '../src/index.ts';
import { describeDeployer, never, type OpenDeployer } from './deployer-bench.ts';
import { applied, failureOf, get, halting, httpHealth, instanceOf, until } from './deployer-target.ts';

const none = { live: null, ready: null, startup: null };

async function logged(
  deployer: Deployer,
  instance: Pick<Instance, 'name'>,
  options: Parameters<Deployer['logs']>[1],
  signal = never,
): Promise<RuntimeLine[]> {
  const lines: RuntimeLine[] = [];
  for await (const line of deployer.logs(instance, options, signal)) lines.push(line);
  return lines;
}

/** What every deployer tells: what instances print, and why a revision did not come up. */
export function testDeployerReports(name: string, open: OpenDeployer): void {
  describeDeployer(`${name}, asked what happens,`, open, (inPlace) => {
    inPlace('tells what an instance printed, with times, on both streams, in whole lines', async (deployer, place) => {
      const target = place.target({ name: 'web' });
      await applied(deployer, target);
      const web = await instanceOf(deployer, target, 'web');
      await get(web, '/print?text=first');
      await get(web, '/print?text=w&times=50000&on=error');
      await sleep(50);
      const since = new Date();
      await sleep(50);
      await get(web, '/print?text=later');
      await get(web, '/print?text=last');
      await until(async () => (await deployer.tail(web, 1))[0] === 'last');

      const all = await logged(deployer, web, {});
      const texts = (lines: readonly RuntimeLine[]) => lines.map(({ stream, text }) => `${stream} ${text.slice(0, 8)}`);

      assert.deepEqual(texts(all).slice(-4), ['stdout first', 'stderr wwwwwwww', 'stdout later', 'stdout last']);
      assert.equal(all.at(-3)?.text.length, 50_000);
      assert.ok(
        all.every(({ at }, index) => at >= (all[index - 1]?.at ?? new Date(0)) && Date.now() - at.getTime() < 60_000),
      );
      assert.deepEqual(texts(await logged(deployer, web, { since })), ['stdout later', 'stdout last']);
      assert.deepEqual(texts(await logged(deployer, web, { tail: 1 })), ['stdout last']);
      assert.deepEqual(texts(await logged(deployer, web, { since, tail: 5 })), ['stdout later', 'stdout last']);
      assert.deepEqual(await logged(deployer, { name: `${place.place}-none` }, {}), []);
    });

    inPlace('follows an instance over a restart, until its signal or its end', async (deployer, place) => {
      const target = place.target({ name: 'web' });
      await applied(deployer, target);
      const web = await instanceOf(deployer, target, 'web');
      const stop = new AbortController();
      const followed: RuntimeLine[] = [];
      const following = (async () => {
        for await (const line of deployer.logs(web, { follow: true }, stop.signal)) followed.push(line);
      })();
      const toItsEnd = logged(deployer, web, { follow: true });

      await get(web, '/print?text=seen');
      await get(web, '/exit');
      await until(async () => followed.filter(({ text }) => text.startsWith('ready')).length === 2);
      await get(web, '/print?text=again');
      await until(async () => followed.at(-1)?.text === 'again');
      stop.abort();
      await following;
      await halting(deployer).halt([web], never);

      const texts = (lines: readonly RuntimeLine[]) => lines.map(({ text }) => text.replace(/\d{5,}/, 'now'));
      const started = ['starting v1', 'ready now'];
      const seen = [...started, 'seen', ...started, 'again'];
      assert.deepEqual(texts(followed), seen);
      assert.deepEqual(texts(await toItsEnd), [...seen, 'stopping', 'stopped']);
    });

    inPlace('fails with a report of every instance that it had started', async (deployer, place) => {
      const patient = { ...httpHealth, retries: 30 };
      const target = place.target(
        { name: 'web', variables: { HEALTH: '503' }, more: { probes: { ...none, ready: patient } } },
        { name: 'api', more: { replicas: 2 } },
        {
          name: 'loop',
          variables: { EXIT: '3' },
          more: { restart: 'no', dependsOn: [{ service: 'api', condition: 'healthy' }] },
        },
      );

      const failure = await failureOf(deployer, target);

      assert.deepEqual([failure.code, failure.service], ['container_exited', 'loop']);
      const reports = failure.instances.map(({ service, state, probes, logs }) => {
        const answers = [...new Set(probes.map(({ detail }) => detail))].filter((detail) => /: \d/.test(detail));
        const told = logs.map((line) => line.split(' ')[0]).filter((word) => word === 'ready' || word === 'cannot');
        return [service, state, ...answers, ...told];
      });
      assert.deepEqual(reports.toSorted(), [
        ['api', 'running', 'GET /health: 200', 'ready'],
        ['api', 'running', 'GET /health: 200', 'ready'],
        ['loop', 'exited', 'cannot'],
        ['web', 'running', 'GET /health: 503', 'ready'],
      ]);
    });

    inPlace('asks the startup probe until it says yes, and only then the readiness', async (deployer, place) => {
      const startup = { ...httpHealth, path: '/started', retries: 3 };
      const variables = { STARTED_AFTER: '1500' };
      const more = { probes: { ...none, startup, ready: httpHealth } };

      const events = await applied(deployer, place.target({ name: 'web', variables, more }));

      const details = events.flatMap((event) => (event.type === 'probed' ? [event.probe.detail] : []));
      const said = [...new Set(details)].filter((detail) => /: \d/.test(detail));
      assert.deepEqual(said, ['GET /started: 503', 'GET /started: 200', 'GET /health: 200']);
    });

    inPlace('says on which port a service listens that was asked on another one', async (deployer, place) => {
      const wrong = await failureOf(deployer, place.target({ name: 'wrong', variables: { PORT: '8080' } }));
      const local = await failureOf(deployer, place.target({ name: 'local', variables: { HOST: '127.0.0.1' } }));

      assert.deepEqual([wrong.code, local.code], ['health_check_failed', 'health_check_failed']);
      assert.match(wrong.message, /^wrong was not healthy within \d s: GET \/health: closed without an answer\.$/);
      assert.match(wrong.hint, /0\.0\.0\.0:3000 .* it listens on 8080\./);
      assert.match(local.hint, /it listens on localhost:3000 only\./);
    });

    inPlace('gives up a check that never answers', async (deployer, place) => {
      const probes = { ...none, ready: { ...httpHealth, path: '/hang' } };
      const healthcheck = {
        test: { shell: false, command: ['sleep', '60'] },
        ...{ intervalMs: 1_000, timeoutMs: 500, retries: 1, startPeriodMs: 0 },
      };

      const http = await failureOf(deployer, place.target({ name: 'web', more: { probes } }));
      const program = await failureOf(deployer, place.target({ name: 'check', more: { probes: none, healthcheck } }));

      assert.equal(http.probes.at(-1)?.detail, 'GET /hang: no answer in time');
      assert.equal(program.probes.at(-1)?.detail, 'health check exited with no code in time');
    });

    inPlace('looks for a local image only in the engine', async (deployer, place) => {
      const image = { image: `sha256:${'0'.repeat(64)}`, local: true };

      const failure = await failureOf(deployer, place.target({ name: 'web', image }));

      assert.equal(failure.code, 'image_pull_error');
      assert.match(failure.message, /No such image/);
    });
  });
}

import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { runningFrom, runProgram } from '@eve/adapter-process';
import { testRegistry } from '@eve/adapter-process/testing';
import type { BuildEvent } from '@eve/operations';
import { emptyPlan } from '../../../../operations/testing/builder-surroundings.ts';
import { lease } from '../../../../operations/testing/builder-workbench.ts';
import { mirrorBaseImage, testBuildkitd } from '../../testing/index.ts';
import { buildkitBuilder } from './builder.ts';
import { startBuildkitd, stopBuildkitd } from './daemon.ts';

it('keeps daemons apart, keeps layers below their limit and steps from the services of the machine', async (context) => {
  await using registry = await testRegistry();
  const cacheBytes = 300_000_000;
  const buildkitd = await testBuildkitd({ mirror: registry.host, cacheBytes });
  if ('missing' in buildkitd) return context.skip(buildkitd.missing);
  await using _stopped = buildkitd;
  const workDir = await mkdtemp(join(tmpdir(), 'eve-daemon-'));
  await mirrorBaseImage(registry.host, 'debian:12-slim', workDir);
  const { buildctl } = buildkitd.programs;
  const builder = buildkitBuilder({ buildctl, daemons: buildkitd.daemons, workDir });
  const run = async (step: string): Promise<readonly BuildEvent[]> => {
    const dockerfileText = `FROM debian:12-slim\nRUN ${step}\n`;
    const plan = { ...emptyPlan, name: step, sourceDir: workDir, tags: ['x.example/a:1'], dockerfileText };
    const ref = await builder.ensure({ ...plan, output: 'none' }, lease);
    const events: BuildEvent[] = [];
    for await (const event of builder.follow(ref, null, AbortSignal.timeout(60_000))) events.push(event);
    return events;
  };
  const target = await buildkitd.daemons('contract');
  const size = async () => {
    const { stdout } = await runProgram({
      file: buildctl,
      args: [`--addr=${target.address}`, 'du', '--format={{json .}}'],
    });
    const records = JSON.parse(stdout) as { size?: number }[]; // of the client that is tested here
    return records.reduce((total, record) => total + (record.size ?? 0), 0);
  };
  const secret = createServer((_, response) => response.end('of the machine alone'));
  await new Promise<void>((resolve) => secret.listen(0, '127.0.0.1', resolve));

  const { port } = secret.address() as AddressInfo; // it listens on a port
  const asked = await run(`bash -c 'exec 3<>/dev/tcp/127.0.0.1/${port}' || echo refused`);
  for (let count = 0; count < 4; count += 1) await run(`head -c 120000000 /dev/urandom > /filled-${count}`);
  const filled = await size();
  let left = filled;
  for (let tries = 0; tries < 70 && left > cacheBytes; tries += 1) {
    await sleep(1_000);
    left = await size();
  }
  const again = await startBuildkitd({
    ...buildkitd.options,
    directory: join(buildkitd.options.directory, 'contract'),
  });

  secret.close();
  await rm(workDir, { recursive: true });
  assert.ok(asked.some((event) => event.type === 'log' && event.text === 'refused'));
  assert.ok(left <= cacheBytes, `${left} bytes are left of ${filled}`);
  assert.deepEqual(again, target);
});

it('is found again after a restart, and is gone after a stop', async (context) => {
  const buildkitd = await testBuildkitd();
  if ('missing' in buildkitd) return context.skip(buildkitd.missing);
  await using _stopped = buildkitd;
  const directory = join(buildkitd.options.directory, 'one');
  const options = { ...buildkitd.options, directory };

  const first = await startBuildkitd(options);
  const process = await runningFrom(join(directory, 'buildkitd.pid'));
  const second = await startBuildkitd(options);

  assert.deepEqual(second, first);
  assert.deepEqual(await runningFrom(join(directory, 'buildkitd.pid')), process);
  await stopBuildkitd(directory, { removeData: true });
  assert.equal(await runningFrom(join(directory, 'buildkitd.pid')), null);
});

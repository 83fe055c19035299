import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import type { NewLogLine } from '@eve/operations';
import { furnish, type RealApi, realApi, type Tenant } from '../testing/real.ts';
import { eveClient } from './client.ts';

describe('a follower', () => {
  let api: RealApi;
  let tenant: Tenant;

  before(async () => {
    api = await realApi();
    tenant = await api.tenant('acme');
  });
  after(() => api[Symbol.asyncDispose]());

  it('sees every line once while the server is killed and started again', async () => {
    const { buildId, runId } = await furnish(api, tenant);
    const subject = { tenantId: tenant.organisation.id, id: runId };
    const port = await freePort();
    let server = await startServer(api.pool.options.connectionString ?? '', port);
    const client = eveClient({ url: `http://127.0.0.1:${port}`, token: tenant.text });
    const leaving = new AbortController();
    const seen: number[] = [];
    const connection: boolean[] = [];
    const following = (async () => {
      for await (const event of client.followBuildLogs(buildId, { runId, signal: leaving.signal })) {
        if (event.type === 'log') seen.push(event.sequence);
        if (event.type === 'connection') connection.push(event.lost);
      }
    })().catch((error: unknown) => {
      if (!leaving.signal.aborted) throw error;
    });

    let printed = 0;
    for (let round = 0; round < 120; round++) {
      printed = await api.logs.append(subject, lines(25), null);
      if (round === 30) await until(() => seen.length > 0);
      // The client leaves pauses between its attempts: he must have been back to lose the server again.
      if (round === 70) await until(() => connection.length === 2);
      if (round === 30 || round === 70) await kill(server);
      if (round === 40 || round === 80) server = await startServer(api.pool.options.connectionString ?? '', port);
      await delay(10);
    }
    await until(() => seen.length >= printed);
    leaving.abort();
    await following;
    await kill(server);

    assert.deepEqual(
      seen,
      Array.from({ length: printed }, (_, index) => index + 1),
    );
    assert.deepEqual(connection, [true, false, true, false]);
  });
});

async function until(isThere: () => boolean): Promise<void> {
  for (let waited = 0; !isThere() && waited < 10_000; waited += 50) await delay(50);
}

function lines(count: number): NewLogLine[] {
  const shared = { at: new Date(), attempt: 1, service: 'web', step: null, stream: 'stdout', level: 'info' } as const;
  return Array.from({ length: count }, (_, index) => ({ ...shared, code: null, text: `line ${index}` }));
}

async function startServer(url: string, port: number): Promise<ChildProcess> {
  const program = join(import.meta.dirname, '..', 'testing', 'log-server.ts');
  const child = spawn(process.execPath, [program, url, String(port)], { stdio: ['ignore', 'pipe', 'inherit'] });
  await once(child.stdout, 'data');
  return child;
}

async function kill(child: ChildProcess): Promise<void> {
  const ended = once(child, 'exit');
  child.kill('SIGKILL');
  await ended;
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  return typeof address === 'object' && address ? address.port : 0;
}

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { connect, createServer as createTcpServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Backend, Route, Router, RoutingTable } from '@eve/operations';
import { stopRouter } from './process.ts';
import { echo, freePort, get, instance, load, shares, upgraded } from './router.fixture.ts';
import { haproxyRouter } from './router.ts';

const program = '/usr/sbin/haproxy';
const missing = existsSync(program) ? false : 'HAProxy is not installed here';

describe('haproxy router', { skip: missing, timeout: 120_000 }, () => {
  let dataDir = '';
  let router: Router;
  let httpPort = 0;
  let version = 0;
  const ports: number[] = [];
  const instances: Awaited<ReturnType<typeof instance>>[] = [];
  const [one, two] = [() => instances[0]!, () => instances[1]!];

  const place = { environmentId: 'env_1', place: 'eve-test' } as const;
  const draining = (backend: Backend): Backend => ({ ...backend, state: 'draining' });
  const shop = (...backends: Backend[]): Route => ({
    id: 'env_1/web/3000',
    ...place,
    service: 'web',
    containerPort: 3000,
    host: null,
    protocol: 'http',
    labels: ['shop'],
    port: ports[0]!,
    backends,
  });
  const other = (index: number, ...backends: Backend[]): Route => ({
    id: `env_2/other${index}/80`,
    ...place,
    service: `other${index}`,
    containerPort: 80,
    host: null,
    protocol: index % 2 ? 'tcp' : 'http',
    labels: index % 2 ? [] : [`other${index}`],
    port: ports[index]!,
    backends,
  });
  const table = (...routes: Route[]): RoutingTable => ({ version: ++version, domain: 'localhost', httpPort, routes });
  const inForce = async () =>
    /description (\S+)/.exec(await readFile(join(dataDir, 'router/haproxy.cfg'), 'utf8'))?.[1];
  const master = () => Number(readPid());
  const readPid = () => execFileSync('cat', [join(dataDir, 'router/haproxy.pid')], { encoding: 'utf8' });

  before(async () => {
    dataDir = await mkdtemp(join(tmpdir(), 'eve-router-test-'));
    httpPort = await freePort();
    for (let count = 0; count < 6; count++) ports.push(await freePort());
    instances.push(await instance('one'), await instance('two'));
    router = haproxyRouter({ dataDir, program });
    await router.apply(table(shop(one().backend)));
  });

  after(async () => {
    await stopRouter(dataDir);
    for (const { server } of instances) server.closeAllConnections();
    for (const { server } of instances) server.close();
    await rm(dataDir, { recursive: true, force: true });
  });

  it('routes by host name, without regard to port and case, and by the port of a route', async () => {
    assert.equal((await get(httpPort, `SHOP.localhost:${httpPort}`)).text, 'one');
    assert.equal((await get(ports[0]!, 'whatever')).text, 'one');
  });

  it('answers an unknown host with 404 and a service that has no instance with 503 and its name', async () => {
    assert.equal((await get(httpPort, 'nobody.localhost')).status, 404);
    await router.apply(table(shop()));

    const answer = await get(httpPort, 'shop.localhost');

    assert.equal(answer.status, 503);
    assert.match(answer.text, /Service web has no running instance/);
    await router.apply(table(shop(one().backend)));
  });

  it('tells instances who the client is and nothing that the client invented', async () => {
    const answer = await get(httpPort, 'shop.localhost', '/headers', {
      'X-Forwarded-For': '6.6.6.6',
      'X-Eve-Route': 'env_1:web:3000',
      Proxy: 'http://evil',
    });

    const headers = JSON.parse(answer.text) as Record<string, string>;
    assert.equal(headers['x-forwarded-for'], '127.0.0.1');
    assert.equal(headers['x-forwarded-proto'], 'http');
    assert.equal(headers['x-forwarded-host'], 'shop.localhost');
    assert.equal(headers.proxy, undefined);
    assert.equal(headers['x-eve-route'], undefined);
  });

  it('keeps its sockets and files to its user', async () => {
    for (const file of ['master.sock', 'onward.sock', 'haproxy.cfg']) {
      assert.equal((await stat(join(dataDir, 'router', file))).mode & 0o777, 0o600, file);
    }
  });

  it('loses no request while instances are switched at run time', async () => {
    const pid = master();
    await using traffic = load(httpPort, 'shop.localhost', 400);
    for (let round = 0; round < 8; round++) {
      const [next, last] = round % 2 ? [one(), two()] : [two(), one()];
      await router.apply(table(shop(next.backend, draining(last.backend))));
      while ((await router.active(last.backend.name)) > 0) await sleep(10);
      const seen = last.requests();
      await sleep(100);
      assert.equal(last.requests(), seen, 'a draining instance gets nothing new');
      await router.apply(table(shop(next.backend)));
      await sleep(100);
    }

    const { sent, failures, answers } = await traffic.stop();

    assert.deepEqual(failures, []);
    assert.ok(sent > 400 && answers.one! > 100 && answers.two! > 100, JSON.stringify({ sent, answers }));
    assert.equal(master(), pid);
  });

  it('gives instances their share of requests and connections, also when it changes under load', async () => {
    const canary = (weight: number) => {
      const backends = [
        { ...one().backend, weight: 256 - weight },
        { ...two().backend, weight },
      ];
      return router.apply(table(shop(...backends), other(1, ...backends)));
    };
    await canary(0);
    const before = [master(), await inForce()];
    const seen: number[] = [];
    for (const weight of [26, 128]) {
      await canary(weight);
      for (const port of [httpPort, ports[1]!]) seen.push((await shares(port, 1_000)).two ?? 0);
    }
    await using traffic = load(httpPort, 'shop.localhost', 400);
    for (const weight of [0, 26, 64, 128, 0, 256, 13, 0]) {
      await canary(weight);
      await sleep(150);
    }
    const requests = two().requests();
    await sleep(150);

    const { sent, failures, answers } = await traffic.stop();
    console.log(`of 1,000 at 10 % and at 50 %, http and tcp: ${seen}; under load ${JSON.stringify({ sent, answers })}`);
    assert.deepEqual(failures, []);
    assert.deepEqual([master(), await inForce(), two().requests()], [...before, requests]);
    for (const share of seen.slice(0, 2)) assert.ok(share >= 90 && share <= 115, `${share} of 1,000 at 26 of 256`);
    for (const share of seen.slice(2)) assert.ok(share >= 490 && share <= 510, `${share} of 1,000 at 128 of 256`);
  });

  it('lets every kind of client end what it has begun on an instance that is replaced', async () => {
    await router.apply(table(shop(one().backend)));
    const kept = connect(httpPort, '127.0.0.1');
    assert.match(await echo(kept, 'GET / HTTP/1.1\r\nHost: shop.localhost\r\n\r\n'), /one$/);
    const socket = await upgraded(httpPort);
    const slow = get(httpPort, 'shop.localhost', '/slow');
    const stream = get(httpPort, 'shop.localhost', '/stream');
    while ((await router.active('one')) < 3) await sleep(10);

    await router.apply(table(shop(two().backend, draining(one().backend))));
    const during = await router.active('one');
    assert.match(await echo(kept, 'GET / HTTP/1.1\r\nHost: shop.localhost\r\n\r\n'), /two$/);
    assert.equal(await echo(socket, 'still here'), 'still here');
    const [slowly, streamed] = await Promise.all([slow, stream]);
    socket.end();
    for (let waited = 0; (await router.active('one')) > 0 && waited < 100; waited++) await sleep(20);
    const left = await router.active('one');
    await router.apply(table(shop(two().backend)));

    assert.deepEqual([during, left], [3, 0]);
    assert.equal(slowly.text, 'one');
    assert.equal(streamed.text.match(/one \d/g)?.length, 10);
    assert.match(await echo(kept, 'GET / HTTP/1.1\r\nHost: shop.localhost\r\n\r\n'), /two$/);
    kept.destroy();
  });

  it('loses no request while it is reloaded and instances stop afterwards', async () => {
    await using traffic = load(httpPort, 'shop.localhost', 400);
    await using direct = load(ports[0]!, 'x', 100);
    for (let round = 0; round < 6; round++) {
      const [next, last] = round % 2 ? [one(), two()] : [two(), one()];
      const routes = round % 3 === 0 ? [other(1, next.backend)] : [other(2, next.backend), other(3, next.backend)];
      await router.apply(table(shop(next.backend, draining(last.backend)), ...routes));
      await sleep(150);
      while ((await router.active(last.backend.name)) > 0) await sleep(10);
      await router.apply(table(shop(next.backend), ...routes));
      const seen = last.requests();
      await sleep(150);
      assert.equal(last.requests(), seen, 'nothing goes to an instance that left the table');
    }

    for (const { sent, failures } of [await traffic.stop(), await direct.stop()]) {
      assert.deepEqual(failures, []);
      assert.ok(sent > 100);
    }
  });

  it('sends what a client asks on a kept connection after a reload to the new instance', async () => {
    await router.apply(table(shop(one().backend)));
    const socket = connect(httpPort, '127.0.0.1');
    assert.match(await echo(socket, 'GET / HTTP/1.1\r\nHost: shop.localhost\r\n\r\n'), /one$/);
    await router.apply(table(shop(one().backend), other(4, one().backend)));
    await router.apply(table(shop(two().backend), other(4, one().backend)));

    const answer = await echo(socket, 'GET /headers HTTP/1.1\r\nHost: shop.localhost\r\nX-Eve-Route: x\r\n\r\n');

    const seen = JSON.parse(answer.slice(answer.indexOf('{'))) as Record<string, string>;
    assert.equal(seen['x-forwarded-for'], '127.0.0.1');
    assert.equal(seen['x-eve-route'], undefined);
    assert.match(answer, /connection: close/i);
    socket.destroy();
  });

  it('counts what still runs on a drained instance, and keeps a stream over reloads', async () => {
    await router.apply(table(shop(one().backend)));
    const stream = await upgraded(httpPort);
    assert.equal(await router.active('one'), 1);

    await router.apply(table(shop(two().backend, draining(one().backend)), other(1, two().backend)));
    await router.apply(table(shop(two().backend)));

    assert.equal(await echo(stream, 'still here'), 'still here');
    assert.equal(await router.active('one'), 1);
    assert.equal((await get(httpPort, 'shop.localhost')).text, 'two');
    stream.destroy();
    await sleep(200);
    assert.equal(await router.active('one'), 0);
  });

  it('serves the same after it was killed and applied again, also from another process of Eve', async () => {
    await router.apply(table(shop(two().backend), other(1, one().backend)));
    const same = { ...table(shop(two().backend), other(1, one().backend)) };
    process.kill(master(), 'SIGKILL');
    await sleep(100);

    await haproxyRouter({ dataDir, program }).apply(same);

    assert.equal((await get(httpPort, 'shop.localhost')).text, 'two');
    const pid = master();
    await haproxyRouter({ dataDir, program }).apply(same);
    assert.equal(master(), pid);
  });

  it('keeps run-time changes in its file, so that a restart by hand gives the same', async () => {
    await router.apply(table(shop(one().backend, { ...two().backend, weight: 30 })));

    const text = await readFile(join(dataDir, 'router/haproxy.cfg'), 'utf8');

    assert.match(text, new RegExp(`server two 127.0.0.1:${two().backend.port} weight 30`));
  });

  it('refuses a table that is older than the one in force', async () => {
    await assert.rejects(router.apply({ ...table(shop(one().backend)), version: 1 }), { code: 'lease_lost' });
  });

  it('leaves a route without a port that another program holds, until it is free again', async () => {
    const holder = createTcpServer().listen(ports[5], '127.0.0.1');
    await new Promise((resolve) => holder.once('listening', resolve));
    assert.equal(await router.canListen(ports[5]!), false);

    await router.apply(table(shop(one().backend), other(5, one().backend)));

    assert.equal((await get(httpPort, 'shop.localhost')).status, 200);
    assert.equal(await router.canListen(ports[5]!), false);
    await new Promise((resolve) => holder.close(resolve));
    assert.equal(await router.canListen(ports[5]!), true);
    assert.equal(await router.canListen(httpPort), true);
    await router.apply(table(shop(one().backend), other(5, one().backend)));
    assert.equal((await get(ports[5]!, 'x')).text, 'one');
  });

  it('takes the old configuration back when the proxy cannot load the new one', async () => {
    const holder = createTcpServer().listen(ports[4], '127.0.0.1');
    await new Promise((resolve) => holder.once('listening', resolve));
    const file = join(dataDir, 'router/haproxy.cfg');
    // As if a run of Eve had ended between writing the file and loading it: the port counts as the router's own.
    await writeFile(file, `${await readFile(file, 'utf8')}listen lost\n  mode tcp\n  bind 127.0.0.1:${ports[4]}\n`);

    const attempt = router.apply(table(shop(two().backend), other(4, two().backend)));

    await assert.rejects(attempt, (error: Error) => error.message.includes(`port ${ports[4]}`));
    assert.equal((await get(httpPort, 'shop.localhost')).text, 'one');
    await new Promise((resolve) => holder.close(resolve));
    await router.apply(table(shop(two().backend), other(4, two().backend)));
    assert.equal((await get(ports[4]!, 'x')).text, 'two');
    assert.equal((await get(httpPort, 'shop.localhost')).text, 'two');
  });

  it('is started again when its socket was removed while it ran', async () => {
    const pid = master();
    await rm(join(dataDir, 'router/master.sock'));

    await router.apply(table(shop(one().backend)));

    assert.notEqual(master(), pid);
    assert.equal((await get(httpPort, 'shop.localhost')).text, 'one');
  });
});

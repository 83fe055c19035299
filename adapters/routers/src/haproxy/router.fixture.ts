import assert from 'node:assert/strict';
import { createServer, type Server } from 'node:http';
import { type AddressInfo, connect, createServer as createTcpServer, type Socket } from 'node:net';
import { Worker } from 'node:worker_threads';
import type { Backend } from '@eve/operations';

export async function freePort(): Promise<number> {
  const probe = createTcpServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => probe.once('listening', resolve));
  const { port } = probe.address() as AddressInfo;
  await new Promise((resolve) => probe.close(resolve));
  return port;
}

/** An instance that answers with its name; `/slow` after a while, `/stream` in parts, an upgrade with an echo. */
export async function instance(name: string): Promise<{ backend: Backend; server: Server; requests: () => number }> {
  let requests = 0;
  const server = createServer((request, response) => {
    requests++;
    if (request.url === '/headers') return void response.end(JSON.stringify(request.headers));
    if (request.url === '/slow') return void setTimeout(() => response.end(name), 600);
    if (request.url === '/stream') {
      let parts = 0;
      const timer = setInterval(() => {
        response.write(`${name} ${parts++}\n`);
        if (parts < 10) return;
        clearInterval(timer);
        response.end();
      }, 80);
      return;
    }
    request.resume().once('end', () => response.end(name));
  });
  server.on('upgrade', (_request, socket) => {
    socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n');
    socket.on('data', (data) => socket.write(data)).on('end', () => socket.end());
    socket.on('error', () => {});
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    server,
    requests: () => requests,
    backend: { name, host: '127.0.0.1', port, weight: 100, state: 'serving' },
  };
}

/** What answers when each is asked once over a connection of its own, by name. */
export async function shares(port: number, count: number): Promise<Record<string, number>> {
  const answers: Record<string, number> = {};
  const askOften = async (times: number) => {
    for (let asked = 0; asked < times; asked++) {
      const { text } = await get(port, 'shop.localhost');
      answers[text] = (answers[text] ?? 0) + 1;
    }
  };
  await Promise.all(Array.from({ length: 10 }, () => askOften(count / 10)));
  return answers;
}

/** Requests over kept connections from another thread, until stopped. */
export function load(port: number, host: string, perSecond: number) {
  const worker = new Worker(new URL('./load.fixture.ts', import.meta.url), { workerData: { port, host, perSecond } });
  return {
    async stop(): Promise<{ sent: number; failures: string[]; answers: Record<string, number> }> {
      worker.postMessage('stop');
      const report = await new Promise((resolve) => worker.once('message', resolve));
      await worker.terminate();
      return report as { sent: number; failures: string[]; answers: Record<string, number> };
    },
    async [Symbol.asyncDispose]() {
      await worker.terminate();
    },
  };
}

export async function upgraded(port: number): Promise<Socket> {
  const socket = connect(port, '127.0.0.1');
  socket.write('GET / HTTP/1.1\r\nHost: shop.localhost\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n');
  const head = String(await new Promise((resolve) => socket.once('data', resolve)));
  assert.match(head, /^HTTP\/1.1 101/);
  return socket;
}

export async function echo(socket: Socket, text: string): Promise<string> {
  socket.write(text);
  return String(await new Promise((resolve) => socket.once('data', resolve)));
}

export const get = (port: number, host: string, path = '/', headers: Record<string, string> = {}) =>
  new Promise<{ status: number; text: string; headers: Record<string, unknown> }>((resolve, reject) => {
    const socket = connect(port, '127.0.0.1');
    let text = '';
    const extra = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
    socket.write(`GET ${path} HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n${extra.join('')}\r\n`);
    socket.on('data', (part) => {
      text += String(part);
    });
    socket.once('error', reject);
    socket.once('close', () => {
      const [head = '', ...body] = text.split('\r\n\r\n');
      resolve({ status: Number(head.split(' ')[1]), text: body.join('\r\n\r\n'), headers: { raw: head } });
    });
  });

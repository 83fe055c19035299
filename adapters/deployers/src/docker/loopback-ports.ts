import { createServer } from 'node:net';
import { type DockerEngine, listContainers } from '@eve/adapter-docker';
import { label, parsePorts } from './found.ts';

export interface PortRange {
  readonly from: number;
  readonly to: number;
}

/**
 * Free loopback ports for containers. We choose them ourselves: one that the engine chose would be another one after
 * each restart of the container, and the router would lose it. What two choose at once shows when a container starts.
 */
export async function freeLoopbackPorts(
  engine: DockerEngine,
  count: number,
  range: PortRange,
  random: () => number,
): Promise<number[]> {
  const taken = new Set(
    (await listContainers(engine, [label.ports])).flatMap(({ Labels }) =>
      parsePorts(Labels[label.ports] ?? '').map(([, port]) => port),
    ),
  );
  const size = range.to - range.from + 1;
  const start = Math.floor(random() * size);
  const free: number[] = [];
  for (let step = 0; step < size && free.length < count; step++) {
    const port = range.from + ((start + step) % size);
    if (!taken.has(port) && (await isFree(port))) free.push(port);
  }
  return free;
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen({ host: '127.0.0.1', port, exclusive: true }, () => server.close(() => resolve(true)));
  });
}

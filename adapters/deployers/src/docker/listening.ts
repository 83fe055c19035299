import { type DockerEngine, execute } from '@eve/adapter-docker';

/** Something in a container that accepts connections. */
export interface Listener {
  readonly port: number;
  /** Only from within the container. */
  readonly loopback: boolean;
}

/** Where programs of a container listen; null when its image has no `cat` to ask with. */
export async function listenersIn(
  engine: DockerEngine,
  container: string,
  signal: AbortSignal,
): Promise<Listener[] | null> {
  const program = ['cat', '/proc/net/tcp', '/proc/net/tcp6'];
  const asked = await execute(engine, container, program, signal).catch(() => null);
  return asked && /local_address/.test(asked.output) ? parseListeners(asked.output) : null;
}

/** Reads the kernel's tables of sockets: those that listen, without the engine's own name server. */
export function parseListeners(tables: string): Listener[] {
  const found = new Map<number, Listener>();
  for (const [, address = '', digits = ''] of tables.matchAll(/^ *\d+: ([0-9A-F]+):([0-9A-F]{4}) [0-9A-F:]+ 0A /gm)) {
    if (address === '0B00007F') continue;
    const port = Number.parseInt(digits, 16);
    // Each four bytes are turned round.
    const loopback = /^(?:[0-9A-F]{6}7F|0{24}01000000|0{16}FFFF0000[0-9A-F]{6}7F)$/.test(address);
    const known = found.get(port);
    found.set(port, { port, loopback: loopback && (known?.loopback ?? true) });
  }
  return [...found.values()].toSorted((a, b) => a.port - b.port);
}

/** What is wrong with where it listens, for somebody whose service was asked on a port in vain. */
export function listeningHint(port: number, listeners: readonly Listener[] | null): string {
  const should = `It has to listen on 0.0.0.0:${port} (the variable PORT says so)`;
  if (!listeners) return `${should}, not on localhost.`;
  if (listeners.length === 0) return `${should}; it listens on no port.`;
  const mine = listeners.find((each) => each.port === port);
  if (mine) return mine.loopback ? `${should}; it listens on localhost:${port} only.` : '';
  const places = listeners.map((each) => (each.loopback ? `localhost:${each.port}` : String(each.port)));
  return `${should}; it listens on ${places.join(', ')}.`;
}

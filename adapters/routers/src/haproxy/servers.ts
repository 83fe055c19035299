import type { RoutingTable } from '@eve/operations';
import { backendName, weightOf } from './config.ts';

/** A server as a running worker has it. */
export interface RunningServer {
  readonly backend: string;
  readonly name: string;
  readonly host: string;
  readonly port: number;
  readonly weight: number;
  readonly inMaintenance: boolean;
}

/** Reads the answer to `show servers state`. */
export function parseServersState(text: string): RunningServer[] {
  const lines = text.split('\n').map((line) => line.trim());
  const header = lines.find((line) => line.startsWith('# be_id'));
  if (!header) return [];
  const columns = header.slice(2).split(' ');
  const rows = lines.filter((line) => /^\d+ \S/.test(line)).map((line) => line.split(' '));
  return rows.map((row) => {
    const value = (column: string) => row[columns.indexOf(column)] ?? '';
    return {
      backend: value('be_name'),
      name: value('srv_name'),
      host: value('srv_addr'),
      port: Number(value('srv_port')),
      weight: Number(value('srv_uweight')),
      inMaintenance: Number(value('srv_admin_state')) !== 0,
    };
  });
}

/**
 * The commands that bring a worker's servers to a table, those that add first, so that no backend is ever without.
 * Backends that the worker does not have are left out: it was loaded before they came.
 */
export function serverCommands(
  running: readonly RunningServer[],
  backends: ReadonlySet<string>,
  { routes }: Pick<RoutingTable, 'routes'>,
): string[] {
  const adds: string[] = [];
  const weights: string[] = [];
  const wanted = new Set<string>();
  for (const route of routes) {
    const backend = backendName(route.id);
    if (!backends.has(backend)) continue;
    for (const it of route.backends) {
      const server = `${backend}/${it.name}`;
      const weight = weightOf(it);
      wanted.add(server);
      const now = running.find((other) => other.backend === backend && other.name === it.name);
      if (!now) {
        adds.push(`add server ${server} ${it.host}:${it.port} weight ${weight}`, `enable server ${server}`);
        continue;
      }
      if (now.host !== it.host || now.port !== it.port)
        adds.push(`set server ${server} addr ${it.host} port ${it.port}`);
      if (now.weight !== weight) (weight > 0 ? adds : weights).push(`set server ${server} weight ${weight}`);
      if (now.inMaintenance) adds.push(`set server ${server} state ready`);
    }
  }
  const gone = running
    .map((it) => ({ ...it, server: `${it.backend}/${it.name}` }))
    .filter(({ backend, server }) => !backend.startsWith('eve:') && !wanted.has(server));
  const stops = gone.filter((it) => !it.inMaintenance).map(({ server }) => `set server ${server} state maint`);
  // Refused while something still runs on the server; the next table's commands ask again.
  const removals = gone.map(({ server }) => `del server ${server}`);
  return [...adds, ...weights, ...stops, ...removals];
}

/** Sums the running requests and streams of a server's name over the rows of `show stat`. */
export function sessionsOf(statistics: string, server: string): number {
  const [header = '', ...rows] = statistics.trim().split('\n');
  const columns = header.replace(/^# /, '').split(',');
  const [named, current] = [columns.indexOf('svname'), columns.indexOf('scur')];
  return rows
    .map((row) => row.split(','))
    .filter((row) => row[named] === server)
    .reduce((sum, row) => sum + Number(row[current] ?? 0), 0);
}

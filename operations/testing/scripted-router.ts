import { PlatformError } from '@eve/domain';
import type { Router, RoutingTable } from '../src/ports/router.ts';

/** A router that keeps every table that came into force. */
export interface ScriptedRouter extends Router {
  readonly tables: RoutingTable[];
  /** Ports that another program listens on. */
  readonly busyPorts: Set<number>;
  /** How many requests still run on each backend. */
  readonly activeOn: Record<string, number>;
  /** The names behind a service's routes in the newest table, with their state. */
  backends(service: string): string[];
}

/** Makes a router without a table; an older one than that in force is refused. */
export function scriptedRouter(weights: Router['weights'] = 'exact'): ScriptedRouter {
  const tables: RoutingTable[] = [];
  const busyPorts = new Set<number>();
  const activeOn: Record<string, number> = {};
  return {
    weights,
    tables,
    busyPorts,
    activeOn,
    backends: (service) =>
      (tables.at(-1)?.routes ?? [])
        .filter(({ id }) => id.split('/')[1] === service)
        .flatMap(({ backends }) => backends.map(({ name, state }) => `${name} ${state}`)),
    async apply(table) {
      const inForce = tables.at(-1)?.version ?? 0;
      if (table.version < inForce) throw new PlatformError('lease_lost', `Routing table ${table.version} is too old.`);
      tables.push(table);
    },
    canListen: async (port) => !busyPorts.has(port),
    active: async (name) => activeOn[name] ?? 0,
  };
}

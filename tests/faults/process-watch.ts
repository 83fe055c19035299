import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Search } from './canaries.ts';

/** Whether a process may have a canary in its environment. */
export type MayHave = (canary: string, process: { readonly command: string; readonly environment: string }) => boolean;

export interface ProcessWatch extends AsyncDisposable {
  /** How many processes were looked at so far. */
  readonly seen: number;
  /** What should not be: process, place, canary. */
  readonly found: ReadonlySet<string>;
}

const everyMs = 50;
// A process that has been there for long is looked at only now and then: what it has does not change but by another program in its place.
const young = 20;

/** Looks into the arguments and environment of every process of this machine, until it is disposed of. */
export function watchProcesses(search: Search, mayHave: MayHave): ProcessWatch {
  const found = new Set<string>();
  const counts = new Map<string, number>();
  let seen = 0;
  let stopped = false;

  const look = (pid: string) => {
    const commandBytes = bytesOf(`/proc/${pid}/cmdline`);
    const command = commandBytes.toString().split('\0').slice(0, 4).join(' ').slice(0, 150);
    for (const canary of search(commandBytes)) found.add(`arguments of ${command.split(' ')[0]} (${pid}): ${canary}`);
    const environment = bytesOf(`/proc/${pid}/environ`);
    for (const canary of search(environment)) {
      if (!mayHave(canary, { command, environment: environment.toString() }))
        found.add(`environment of ${command}: ${canary}`);
    }
  };
  const running = (async () => {
    while (!stopped) {
      const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
      for (const pid of pids) {
        const count = (counts.get(pid) ?? 0) + 1;
        if (count === 1) seen += 1;
        counts.set(pid, count);
        if (count <= young || count % young === 0) look(pid);
      }
      const alive = new Set(pids);
      for (const pid of counts.keys()) if (!alive.has(pid)) counts.delete(pid);
      await sleep(everyMs);
    }
  })();
  return {
    get seen() {
      return seen;
    },
    found,
    async [Symbol.asyncDispose]() {
      stopped = true;
      await running;
    },
  };
}

/** Empty when the process has gone. */
function bytesOf(path: string): Buffer {
  try {
    return readFileSync(path);
  } catch {
    return Buffer.alloc(0);
  }
}

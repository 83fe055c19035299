import { execFile } from 'node:child_process';
import { readFile, rename, rm, writeFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { PlatformError } from '@eve/domain';
import type { Router, RoutingTable } from '@eve/operations';
import { type ConfigOptions, listenersOf, type RenderedConfig, renderConfig, tableVersionOf } from './config.ts';
import { ask, askWorker, type Processes, processesOf } from './master.ts';
import {
  isBusy,
  isBusyFor,
  preparePlace,
  proxyFailure,
  type RouterPlace,
  refuseBusyPorts,
  routerPlace,
  startProxy,
  stopLeftover,
} from './process.ts';
import { parseServersState, serverCommands, sessionsOf } from './servers.ts';

const runFile = promisify(execFile);

/** Where the proxy of an installation is, and what its operator chose. */
export interface HaproxyOptions extends Omit<ConfigOptions, 'onwardSocket'> {
  readonly dataDir: string;
  /** The program's path; found on the PATH when it is a bare name. */
  readonly program?: string;
}

/** A router on HAProxy: one detached master per installation, that goes on serving without Eve. */
export function haproxyRouter(options: HaproxyOptions): Router {
  const { program = 'haproxy' } = options;
  const place = routerPlace(options.dataDir);
  let before: Promise<unknown> = Promise.resolve();

  async function apply(table: RoutingTable, signal?: AbortSignal): Promise<void> {
    signal?.throwIfAborted();
    const render = (taken?: ReadonlySet<number>) =>
      renderConfig(table, { ...options, onwardSocket: place.onwardSocket, taken });
    let next = render();
    await preparePlace(place);
    const previous = await readFile(place.config, 'utf8').catch(() => '');
    const inForce = tableVersionOf(previous);
    if (inForce !== null && inForce > table.version) {
      throw new PlatformError(
        'lease_lost',
        `Routing table ${table.version} is older than ${inForce}, which is in force.`,
      );
    }

    const running = await processesOf(place.masterSocket);
    if (!running) {
      await stopLeftover(place);
      next = render(await takenPorts(table, listenersOf(next.text), 3_000));
      await replaceConfig(program, place, next);
      await startProxy(program, place, signal);
    } else if ((await structureInForce(place, running)) !== next.structure) {
      const known = new Set(listenersOf(previous));
      next = render(
        await takenPorts(
          table,
          listenersOf(next.text).filter((address) => !known.has(address)),
          500,
        ),
      );
      if ((await structureInForce(place, running)) === next.structure) {
        if (previous !== next.text) await writeConfig(place, next.text);
      } else {
        await replaceConfig(program, place, next);
        await reload(place, running, next, previous, signal);
      }
    } else if (previous !== next.text) {
      await writeConfig(place, next.text);
    }
    await syncServers(place, table);
  }

  return {
    weights: 'exact',

    apply(table, signal) {
      const mine = before.then(() => apply(table, signal));
      before = mine.catch(() => {});
      return mine;
    },

    async canListen(port) {
      const address = `127.0.0.1:${port}`;
      const own = listenersOf(await readFile(place.config, 'utf8').catch(() => '')).includes(address);
      return (own && (await processesOf(place.masterSocket)) !== null) || !(await isBusy(address));
    },

    async active(backend) {
      for (let attempt = 0; ; attempt++) {
        const running = await processesOf(place.masterSocket);
        if (!running) return 0;
        const counts = await Promise.all(
          running.workers.map(({ pid }) => ask(place.masterSocket, `@!${pid} show stat -1 4 -1`).catch(() => null)),
        );
        // A reload between the two questions closes the socket for a moment.
        const missing = counts.some((text) => !text?.startsWith('# pxname'));
        if (!missing || attempt === 5) return counts.reduce((sum, text) => sum + sessionsOf(text ?? '', backend), 0);
        await sleep(50);
      }
    },
  };
}

/**
 * Ports of routes that another program listens on. One such port must not take the routes of everybody away: its route is
 * left without it until it is free again. Throws when the shared port is taken.
 */
async function takenPorts(
  table: RoutingTable,
  addresses: readonly string[],
  patienceMs: number,
): Promise<ReadonlySet<number>> {
  const ports = new Set(table.routes.map((route) => `127.0.0.1:${route.port}`));
  await refuseBusyPorts(
    addresses.filter((address) => !ports.has(address)),
    patienceMs,
  );
  const own = addresses.filter((address) => ports.has(address));
  const busy = await Promise.all(
    own.map(async (address) => ((await isBusyFor(address, patienceMs)) ? [Number(address.split(':')[1])] : [])),
  );
  return new Set(busy.flat());
}

async function replaceConfig(program: string, place: RouterPlace, { text }: RenderedConfig): Promise<void> {
  const trial = `${place.config}.next`;
  await writeFile(trial, text, { mode: 0o600 });
  try {
    await runFile(program, ['-c', '-f', trial], { cwd: '/' });
  } catch (error) {
    await rm(trial, { force: true });
    const { code, stderr } = error as { code?: unknown; stderr?: string };
    if (code === 'ENOENT') {
      throw new PlatformError('engine_unavailable', `The router ${program} is not installed here.`, { cause: error });
    }
    throw proxyFailure(stderr ?? '');
  }
  await rename(trial, place.config);
}

async function writeConfig(place: RouterPlace, text: string): Promise<void> {
  await writeFile(`${place.config}.next`, text, { mode: 0o600 });
  await rename(`${place.config}.next`, place.config);
}

/** The structure that the current worker was loaded with; null when that cannot be said. */
async function structureInForce({ masterSocket }: RouterPlace, { workers }: Processes): Promise<string | null> {
  const current = workers.find(({ old }) => !old);
  if (!current) return null;
  const info = await ask(masterSocket, `@!${current.pid} show info`).catch(() => '');
  return /^description: (\S+)/m.exec(info)?.[1] ?? null;
}

/** Loads the written configuration; listening sockets are handed over, old workers finish what they have. */
async function reload(
  place: RouterPlace,
  was: Processes,
  next: RenderedConfig,
  previous: string,
  signal?: AbortSignal,
): Promise<void> {
  const printedBefore = (await readFile(place.logFile, 'utf8').catch(() => '')).length;
  await ask(place.masterSocket, 'reload').catch(() => {});
  for (let waitedMs = 0; waitedMs < 15_000; waitedMs += 20) {
    const now = await processesOf(place.masterSocket);
    if (now && now.reloads > was.reloads) {
      if (now.failedReloads > was.failedReloads || now.workers.every(({ old }) => old)) break;
      if ((await structureInForce(place, now)) === next.structure && (await oldOnesStop(place, now))) return;
    }
    await sleep(20, undefined, { signal });
  }
  const printed = (await readFile(place.logFile, 'utf8').catch(() => '')).slice(printedBefore);
  if (previous) await writeConfig(place, previous);
  throw proxyFailure(printed);
}

/** Only a worker that knows that it stops hands late requests on. */
async function oldOnesStop({ masterSocket }: RouterPlace, { workers }: Processes): Promise<boolean> {
  const answers = await Promise.all(
    workers.filter(({ old }) => old).map(({ pid }) => ask(masterSocket, `@!${pid} show info`).catch(() => '')),
  );
  return answers.every((info) => !/^Stopping: 0/m.test(info));
}

/** Brings the current worker's servers to the table without a reload. */
async function syncServers({ masterSocket }: RouterPlace, table: RoutingTable): Promise<void> {
  const current = (await processesOf(masterSocket))?.workers.find(({ old }) => !old);
  if (!current) throw new PlatformError('engine_unavailable', 'The router stopped while its table was changed.');
  const [state = '', backends = ''] = await askWorker(masterSocket, current.pid, [
    'show servers state',
    'show backend',
  ]);
  const names = new Set(backends.split('\n').map((line) => line.trim()));
  const commands = serverCommands(parseServersState(state), names, table);
  const answers = await askWorker(masterSocket, current.pid, commands);
  const refused = commands.findIndex((command, index) => !command.startsWith('del ') && !isDone(answers[index] ?? ''));
  if (refused >= 0) {
    throw new PlatformError('engine_unavailable', `The router refused "${commands[refused]}": ${answers[refused]}`);
  }
}

/** Commands that do something answer with nothing, or say that it is done. */
function isDone(answer: string): boolean {
  return answer === '' || answer === 'New server registered.' || /^(IP|port|no need to change)/i.test(answer);
}

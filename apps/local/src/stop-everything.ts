import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { hasEnded, processOf, send } from '@eve/adapter-process';
import { stopRegistry } from '@eve/adapter-registries';
import { stopRouter } from '@eve/adapter-routers';
import { type Config, peekInstallation } from '@eve/server';
import { stopBuildkit } from './buildkit.ts';
import { findEngine } from './engine.ts';
import { type Removed, removeInstances, removeOurImages, stopInstances } from './our-containers.ts';
import { removeNamespaces } from './our-namespaces.ts';
import type { Log } from './run-program.ts';
import { stopEngine } from './stop-engine.ts';

export interface StopOptions {
  readonly config: Config;
  readonly say: Log;
  /** Whether what was deployed goes: its containers, its volumes, and the engine's copies of its images. */
  readonly volumes: boolean;
  /** Whether the engine's own data goes too. */
  readonly removeData?: boolean;
}

/** What came of it; `removed` is null where nothing was to be removed, or no engine answered. */
export interface Stopped {
  readonly removed: Removed | null;
}

const patienceMs = 30_000;

/** Stops everything of an installation: Eve itself, what it deployed, the router, the registry, and an engine it started. Null without one. */
export async function stopEverything({
  config,
  say,
  volumes,
  removeData = false,
}: StopOptions): Promise<Stopped | null> {
  const { dataDir } = config;
  const installation = await peekInstallation(dataDir);
  if (!installation) return null;
  await stopEve(dataDir, say);
  const signal = AbortSignal.timeout(patienceMs * 4);
  if (config.EVE_DEPLOYER === 'kubernetes' && (volumes || removeData)) {
    const count = await removeNamespaces(config, installation.id);
    say(`Removed ${count} namespaces of this installation from the cluster.`);
  }
  const engine = await findEngine({ dataDir, dockerHost: config.DOCKER_HOST ?? null }).catch(() => null);
  let removed: Removed | null = null;
  if (engine && (volumes || removeData)) {
    removed = await removeInstances(engine, installation.id, { volumes }, signal);
    await removeOurImages(engine, `127.0.0.1:${installation.ports.registry}`);
  } else if (engine && !engine.own) await stopInstances(engine, installation.id, signal);
  await stopBuildkit(dataDir, { removeData });
  await stopRouter(dataDir);
  await stopRegistry(dataDir);
  if (await stopEngine(dataDir, { removeData })) say('The engine of this installation was stopped.');
  return { removed };
}

/** Asks a running Eve of this data directory to end, and waits for it. */
async function stopEve(dataDir: string, say: Log): Promise<void> {
  const [pid = '', startTime = ''] = (await readFile(join(dataDir, 'lock'), 'utf8').catch(() => '')).split(' ');
  const running = pid === '' || Number(pid) === process.pid ? null : await processOf(Number(pid));
  if (!running || running.startTime !== startTime) return;
  say(`Stopping Eve (process ${pid}) …`);
  send('SIGTERM', running.pid);
  if (!(await hasEnded(running, patienceMs))) send('SIGKILL', running.pid);
}

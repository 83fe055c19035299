import { spawn } from 'node:child_process';
import { chmod, mkdir, open, readFile, realpath, rename, rm, stat, writeFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { hasEnded, pidFrom, processOf, type RunningProcess, send } from '@eve/adapter-process';
import { PlatformError } from '@eve/domain';
import { dockerdArguments, dockerdConfig } from './dockerd-arguments.ts';
import { answersPing } from './engine-api.ts';
import type { EngineLayout, EngineState } from './engine-state.ts';
import { engineLayout, readEngineState, writeEngineState } from './engine-state.ts';
import { applyFirewall } from './firewall.ts';
import { ensureBridge, turnForwardingOn, usedSubnets } from './machine-network.ts';
import type { Programs } from './programs.ts';
import type { Log } from './run-program.ts';
import { lastLines } from './run-program.ts';
import type { EngineNetwork } from './subnet.ts';
import { chooseEngineNetwork, overlaps, parseSubnet } from './subnet.ts';

/** An engine that answers. */
export interface Engine {
  /** Such as `unix:///run/docker.sock`. */
  readonly host: string;
  /** Whether this installation started it, and so may stop it. */
  readonly own: boolean;
}

const systemEngine = 'unix:///var/run/docker.sock';

/**
 * Finds the engine to use: the one that was asked for; else this installation's own when it ever had one, for its
 * images and volumes lie there; else the machine's. Null says that an engine has to be started.
 */
export async function findEngine(options: { dataDir: string; dockerHost?: string | null }): Promise<Engine | null> {
  if (options.dockerHost) {
    if (await answersPing(options.dockerHost)) return { host: options.dockerHost, own: false };
    throw new PlatformError('engine_unavailable', `No Docker engine answers at ${options.dockerHost}.`);
  }
  const layout = engineLayout(await canonical(options.dataDir));
  if (await readEngineState(layout)) {
    return (await runningEngine(layout)) ? { host: `unix://${layout.socket}`, own: true } : null;
  }
  return (await answersPing(systemEngine)) ? { host: systemEngine, own: false } : null;
}

export interface StartEngineOptions {
  readonly dataDir: string;
  readonly programs: Pick<Programs, 'dockerd' | 'ip' | 'iptables'>;
  /** Address of the registry that stands in for Docker Hub, such as `http://127.0.0.1:5000`. */
  readonly mirror?: string | null;
  readonly log: Log;
  readonly signal?: AbortSignal;
}

/** Starts this installation's own engine, or takes over the one that runs; it outlives this process. */
export async function startEngine(options: StartEngineOptions): Promise<Engine> {
  const layout = engineLayout(await canonical(options.dataDir));
  const engine = { host: `unix://${layout.socket}`, own: true };
  const { dockerd, ip, iptables } = options.programs;
  if (!dockerd || !ip || !iptables || process.getuid?.() !== 0) {
    throw new PlatformError(
      'engine_unavailable',
      'No Docker engine runs, and Eve can start one only as root with dockerd, ip and iptables installed. Start Docker, or name an engine with DOCKER_HOST.',
    );
  }
  await mkdir(layout.runDir, { recursive: true, mode: 0o711 });
  await mkdir(layout.directory, { recursive: true });
  await chmod(layout.directory, 0o711);

  const recorded = await readEngineState(layout);
  const network = await engineNetwork(layout, ip, recorded);
  const turnedForwardingOn = (await turnForwardingOn()) || (recorded?.turnedForwardingOn ?? false);
  const state = { socket: layout.socket, network, turnedForwardingOn, dockerd, ip, iptables, process: null };
  // Recorded before anything is made, so that `stopEngine` finds whatever a crash leaves behind.
  await writeEngineState(layout, recorded?.process ? { ...state, process: recorded.process } : state);
  await ensureBridge(ip, layout.bridge, network.bridgeAddress);
  await applyFirewall({ iptables, chain: layout.chain, block: network.block });

  const config = dockerdConfig(options.mirror ?? null, true);
  const before = await readFile(layout.configFile, 'utf8').catch(() => null);
  await writeFile(layout.configFile, config);

  let running = await runningEngine(layout);
  if (running && config !== before) send('SIGHUP', running.pid);
  if (!running) {
    await removeStale(layout);
    options.log('starting a Docker engine of this installation');
    running = await launch(layout, dockerd, network, options.signal);
  }
  await writeEngineState(layout, { ...state, process: { pid: running.pid, startTime: running.startTime } });
  return engine;
}

/** The recorded addresses as long as nothing else took them, so that networks of the last run stay where they are. */
async function engineNetwork(layout: EngineLayout, ip: string, recorded: EngineState | null): Promise<EngineNetwork> {
  const used = await usedSubnets(ip, layout.bridge);
  const block = recorded && parseSubnet(recorded.network.block);
  if (recorded && block) {
    // Networks of this engine lie inside the block; only what reaches beyond it, or holds it, is somebody else's.
    const foreign = used.filter((other) => other.prefix <= block.prefix && overlaps(block, other));
    if (foreign.length === 0) return recorded.network;
  }
  const chosen = chooseEngineNetwork(used, Number.parseInt(layout.id, 16));
  if (chosen) return chosen;
  throw new PlatformError(
    'engine_unavailable',
    'No free private network (a /16) is left for containers on this machine.',
  );
}

/** The dockerd of this installation when it runs and answers; one that hangs is ended. */
async function runningEngine(layout: EngineLayout): Promise<RunningProcess | null> {
  const it = await findDockerd(layout);
  if (!it) return null;
  for (let attempt = 0; attempt < 100; attempt++) {
    if (await answersPing(layout.socket, 1_000)) return it;
    if (await hasEnded(it, 150)) return null;
  }
  send('SIGKILL', it.pid);
  await hasEnded(it, 5_000);
  return null;
}

/** The dockerd that serves this installation's socket, by its pid file; a pid that went to another program is not it. */
export async function findDockerd(layout: EngineLayout): Promise<RunningProcess | null> {
  const pid = await pidFrom(layout.pidFile);
  const it = pid === null ? null : await processOf(pid);
  return it?.command.includes(`--host=unix://${layout.socket}`) ? it : null;
}

/** Removes pid files whose processes are gone: dockerd would refuse to start, or signal whoever has the pid now. */
async function removeStale(layout: EngineLayout): Promise<void> {
  await rm(layout.pidFile, { force: true });
  const containerd = `${layout.execRoot}/containerd/containerd.pid`;
  const pid = await pidFrom(containerd);
  const it = pid === null ? null : await processOf(pid);
  if (!it?.command.some((word) => word.includes(layout.execRoot))) await rm(containerd, { force: true });
}

async function launch(layout: EngineLayout, dockerd: string, network: EngineNetwork, signal?: AbortSignal) {
  const size = await stat(layout.logFile).then(
    (it) => it.size,
    () => 0,
  );
  if (size > 10_000_000) await rename(layout.logFile, `${layout.logFile}.1`);
  await using output = await open(layout.logFile, 'a', 0o600);
  const began = (await output.stat()).size;
  const child = spawn(dockerd, dockerdArguments(layout, network), {
    cwd: '/',
    detached: true,
    stdio: ['ignore', output.fd, output.fd],
  });
  let failure: string | null = null;
  child.once('error', (error) => (failure = error.message));
  child.once('exit', (code, by) => (failure = `it ended with ${by ?? `code ${code}`}`));
  child.unref();

  const until = Date.now() + 90_000;
  for (;;) {
    const it = child.pid === undefined ? null : await processOf(child.pid);
    if (it && (await answersPing(layout.socket, 1_000))) {
      child.removeAllListeners();
      return it;
    }
    if (failure === null && Date.now() > until) failure = 'it did not answer within 90 s';
    if (signal?.aborted) failure = 'its start was interrupted';
    if (failure !== null) break;
    await sleep(40);
  }
  if (child.pid !== undefined) send('SIGTERM', child.pid);
  signal?.throwIfAborted();
  const printed = (await readFile(layout.logFile)).subarray(began).toString();
  throw new PlatformError(
    'engine_unavailable',
    `The Docker engine did not start: ${failure}. Its log is ${layout.logFile}: ${lastLines(printed, 4)}`,
  );
}

/** The data directory's real path, so that one directory is one installation whatever way it is named. */
export async function canonical(dataDir: string): Promise<string> {
  await mkdir(dataDir, { recursive: true });
  return realpath(dataDir);
}

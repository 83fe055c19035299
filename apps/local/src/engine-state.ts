import { createHash } from 'node:crypto';
import { mkdir, readFile, realpath, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { EngineNetwork } from './subnet.ts';

/** Where everything of an installation's own engine lies. */
export interface EngineLayout {
  /** Eight hexadecimal digits that tell this installation's engine from others on the machine. */
  readonly id: string;
  readonly directory: string;
  readonly dataRoot: string;
  /** Sockets and process files; elsewhere than `directory` when paths of sockets would become too long. */
  readonly runDir: string;
  readonly execRoot: string;
  readonly socket: string;
  readonly pidFile: string;
  readonly configFile: string;
  readonly logFile: string;
  readonly stateFile: string;
  readonly bridge: string;
  readonly chain: string;
  readonly cgroup: string;
}

/** The longest path of a unix socket, and the longest that the engine appends to its run directory. */
const socketPathLimit = 107;
const longestBelow = '/exec/containerd/containerd-debug.sock.ttrpc'.length;

/** Derives every path and name from the data directory alone, so that a crash loses none of them. */
export function engineLayout(dataDir: string): EngineLayout {
  const id = createHash('sha256').update(dataDir).digest('hex').slice(0, 8);
  const directory = join(dataDir, 'engine');
  const nearby = join(directory, 'run');
  const runDir = Buffer.byteLength(nearby) + longestBelow <= socketPathLimit ? nearby : `/run/eve-${id}`;
  return {
    id,
    directory,
    dataRoot: join(directory, 'data'),
    runDir,
    execRoot: join(runDir, 'exec'),
    socket: join(runDir, 'docker.sock'),
    pidFile: join(runDir, 'dockerd.pid'),
    configFile: join(directory, 'daemon.json'),
    logFile: join(directory, 'dockerd.log'),
    stateFile: join(directory, 'engine.json'),
    bridge: `eve-${id}`,
    chain: `EVE-${id}`,
    cgroup: `/eve-${id}`,
  };
}

/** What is recorded of an installation's own engine. */
export interface EngineState {
  readonly socket: string;
  readonly network: EngineNetwork;
  /** Whether Eve turned the machine's forwarding of packets on. */
  readonly turnedForwardingOn: boolean;
  readonly dockerd: string;
  readonly iptables: string;
  readonly ip: string;
  readonly process: { readonly pid: number; readonly startTime: string } | null;
}

/** Reads the record; null when this installation never had an engine of its own. */
export async function readEngineState(layout: EngineLayout): Promise<EngineState | null> {
  const text = await readFile(layout.stateFile, 'utf8').catch(() => null);
  // Written by `writeEngineState` below and by nobody else.
  return text === null ? null : (JSON.parse(text) as EngineState);
}

/** Writes the record whole or not at all. */
export async function writeEngineState(layout: EngineLayout, state: EngineState): Promise<void> {
  await mkdir(layout.directory, { recursive: true, mode: 0o700 });
  await writeFile(`${layout.stateFile}.new`, `${JSON.stringify(state, null, 2)}\n`, { mode: 0o600 });
  await rename(`${layout.stateFile}.new`, layout.stateFile);
}

/** The addresses that networks of an installation's own engine are cut from; null when it has no engine. */
export async function engineBlock(dataDir: string): Promise<string | null> {
  return (await readEngineState(engineLayout(await realpath(dataDir))))?.network.block ?? null;
}

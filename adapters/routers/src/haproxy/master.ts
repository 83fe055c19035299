import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { PlatformError } from '@eve/domain';

/** A worker process of the proxy; old ones finish what they have after a reload. */
export interface Worker {
  readonly pid: number;
  readonly old: boolean;
}

/** The processes as the master tells them. */
export interface Processes {
  readonly master: number;
  readonly reloads: number;
  readonly failedReloads: number;
  readonly workers: readonly Worker[];
}

/** Sends one line to the master's socket and answers with what it says. Rejects when nothing listens there. */
export function ask(socket: string, line: string, timeoutMs = 5_000): Promise<string> {
  return new Promise((resolve, reject) => {
    let answer = '';
    const connection = connect(socket, () => connection.end(`${line}\n`));
    connection.setTimeout(timeoutMs, () => connection.destroy(new Error('The router did not answer in time.')));
    connection.setEncoding('utf8').on('data', (text: string) => {
      answer += text;
    });
    connection.once('error', reject);
    connection.once('close', (failed) => failed || resolve(answer));
  });
}

/** Sends commands to one worker, in order, and answers with what each said. */
export async function askWorker(socket: string, pid: number, commands: readonly string[]): Promise<string[]> {
  const answers: string[] = [];
  for (const command of commands) answers.push((await ask(socket, `@!${pid} ${command}`)).trim());
  return answers;
}

/** The proxy's processes; null when no master listens. Throws when one listens and does not answer. */
export async function processesOf(socket: string, patienceMs = 10_000): Promise<Processes | null> {
  for (const until = Date.now() + patienceMs; ; ) {
    try {
      const processes = parseProcesses(await ask(socket, 'show proc'));
      if (processes) return processes;
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === 'ENOENT' || code === 'ECONNREFUSED') return null;
    }
    // A master that loads a configuration closes its connections.
    if (Date.now() >= until) throw new PlatformError('engine_unavailable', 'The router runs and does not answer.');
    await sleep(25);
  }
}

/** Reads the answer to `show proc`; null when it is none. */
export function parseProcesses(text: string): Processes | null {
  const master = /^(\d+)\s+master\s+(\d+)\s+\[failed: (\d+)\]/m.exec(text);
  if (!master) return null;
  const [current = '', former = ''] = text.split(/^# old workers/m);
  const pids = (part: string, old: boolean) =>
    [...part.matchAll(/^(\d+)\s+worker\s/gm)].map(([, pid]) => ({ pid: Number(pid), old }));
  return {
    master: Number(master[1]),
    reloads: Number(master[2]),
    failedReloads: Number(master[3]),
    workers: [...pids(current, false), ...pids(former, true)],
  };
}

import { setTimeout as sleep } from 'node:timers/promises';
import { containerLogs, type DockerEngine, inspectContainer, isDockerError } from '@eve/adapter-docker';
import type { RuntimeLine } from '@eve/operations';

/** While an instance is between two runs, it is looked for again this often. */
const lookMs = 250;

/** What an instance printed and, with `follow`, prints, over restarts too. */
export async function* instanceLogs(
  engine: DockerEngine,
  name: string,
  { since, tail, follow = false }: { readonly since?: Date; readonly tail?: number; readonly follow?: boolean },
  signal: AbortSignal,
): AsyncGenerator<RuntimeLine> {
  let after: string | undefined;
  try {
    for (;;) {
      const from = after === undefined ? { since, tail } : { after };
      for await (const { stream, text, time } of containerLogs(engine, name, {
        ...from,
        follow,
        timestamps: true,
        signal,
      })) {
        after = time ?? after;
        yield { at: new Date(time ?? 0), stream, text };
      }
      // The engine ends its stream when the program ends, also when it is about to start it again.
      if (!follow || !(await goesOn(engine, name, signal))) return;
      await sleep(lookMs, undefined, { signal });
    }
  } catch (error) {
    if (!signal.aborted && !isDockerError(error, 404)) throw error;
  }
}

async function goesOn(engine: DockerEngine, name: string, signal: AbortSignal): Promise<boolean> {
  const { Status: status = 'gone' } = (await inspectContainer(engine, name, signal))?.State ?? {};
  return status === 'running' || status === 'restarting';
}

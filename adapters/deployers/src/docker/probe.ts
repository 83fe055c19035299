import { inspectContainer } from '@eve/adapter-docker';
import type { ProbeResult } from '@eve/domain';
import type { Instance, ServiceTarget } from '@eve/operations';
import { askOnce, type CheckAnswer, checksOf } from './checks.ts';
import type { DeployerSettings } from './context.ts';

/** Asks an instance once whether it is still well. One that exited since it was read is not, even if it was restarted. */
export async function probeInstance(
  { engine, now, history }: Pick<DeployerSettings, 'engine' | 'now' | 'history'>,
  wanted: ServiceTarget,
  instance: Instance,
  signal: AbortSignal,
): Promise<readonly ProbeResult[]> {
  const ask = async (): Promise<readonly CheckAnswer[]> => {
    const container = await inspectContainer(engine, instance.name, signal);
    if (!container) return [{ ok: false, detail: 'it was removed' }];
    const { Status: status, ExitCode: code, OOMKilled: outOfMemory } = container.State;
    if (status !== 'running')
      return [{ ok: false, detail: `${status}, exited with ${code}${outOfMemory ? ' (out of memory)' : ''}` }];
    const restarts = container.RestartCount - instance.restarts;
    if (restarts > 0) return [{ ok: false, detail: `exited and was restarted, ${restarts} times` }];
    const { ready, live } = await checksOf(engine, wanted, instance, container);
    return Promise.all([ready, ...(live ? [live] : [])].map((check) => askOnce(check, signal)));
  };
  const probes = (await ask()).map((answer) => ({ at: now(), ...answer }));
  for (const probe of probes) history.add(instance.name, probe);
  return probes;
}

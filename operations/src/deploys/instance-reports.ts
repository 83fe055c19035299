import type { DeployFailure, InstanceReport, ProbeResult } from '@eve/domain';
import type { Redact } from '../logs/redact.ts';
import type { Platform } from '../platform.ts';
import type { Instance } from '../ports/deployer.ts';

const lastLines = 100;

/** Instances as they are now, with what they were asked and the last lines they printed. */
export async function instanceReports(
  { deployer }: Pick<Platform, 'deployer'>,
  instances: readonly Instance[],
  probes: Readonly<Record<string, readonly ProbeResult[]>> = {},
): Promise<InstanceReport[]> {
  return Promise.all(
    instances.map(async (instance): Promise<InstanceReport> => {
      const { name, service, state, restarts } = instance;
      // The runtime may have lost it since it was observed; the report is worth more than the lines.
      const logs = await deployer.tail(instance, lastLines).catch(() => []);
      return { instance: name, service, state, restarts, probes: probes[name] ?? [], logs };
    }),
  );
}

/** A failure without secrets, whatever a program printed or answered. */
export function redactedFailure(failure: DeployFailure, redact: Redact): DeployFailure {
  const safe = (probes: readonly ProbeResult[]) => probes.map((each) => ({ ...each, detail: redact(each.detail) }));
  return {
    ...failure,
    message: redact(failure.message),
    probes: safe(failure.probes),
    logs: failure.logs.map(redact),
    instances: failure.instances.map((each) => ({
      ...each,
      probes: safe(each.probes),
      logs: each.logs.map(redact),
    })),
  };
}

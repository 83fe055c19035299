import { advanceDeploy, type Deploy, DeployFailed, type DeployFailure, PlatformError } from '@eve/domain';
import type { LogWriter } from '../logs/log-writer.ts';
import { advanceStepOf } from '../pipelines/advance-step-of.ts';
import type { Platform } from '../platform.ts';
import type { ClaimedWork } from '../ports/work-queue.ts';
import { deployFailure } from './deploy-failure.ts';

/** Writes a deploy's end without success and settles its work, in one transaction. */
export async function endDeploy(
  { store, now }: Pick<Platform, 'store' | 'now'>,
  { id, tenantId }: Pick<Deploy, 'id' | 'tenantId'>,
  { lease }: ClaimedWork,
  event: { type: 'cancel' } | { type: 'fail'; failure: DeployFailure },
): Promise<void> {
  await store.transaction(async (records) => {
    const deploy = await records.deploys.get(tenantId, id);
    const ended = advanceDeploy(deploy, event, now());
    await records.deploys.update(ended, { was: deploy.status, event: event.type, actor: 'system', lease });
    await records.environments.update({ id: ended.environmentId, tenantId, lastDeployId: ended.id });
    await advanceStepOf(records, ended);
    await records.queue.settle(lease);
  });
}

const notTheirs: ReadonlySet<string> = new Set(['lease_lost', 'record_changed']);

/** What an error inside a deploy is to its owner; null for an outage or a mistake of ours, which is tried again. */
export function deployFailureOf(error: unknown): DeployFailure | null {
  if (error instanceof DeployFailed) return error.failure;
  if (!(error instanceof PlatformError) || error.kind === 'unavailable' || notTheirs.has(error.code)) return null;
  return deployFailure('engine_error', error.message);
}

/** Prints a failure with its probes and the last lines of what failed. */
export function sayDeployFailure(
  writer: LogWriter,
  { code, service, message, hint, probes, logs }: DeployFailure,
): void {
  const about = { service, step: 'error', code };
  writer.say(`Error: ${message}`, about);
  for (const probe of probes.slice(-5)) writer.say(`Probe ${probe.at.toISOString()}: ${probe.detail}`, about);
  if (logs.length > 0) writer.say([`--- Last ${logs.length} lines of ${service} ---`, ...logs].join('\n'), about);
  writer.say(`Hint: ${hint}`, about);
}

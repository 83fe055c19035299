import { DeployFailed, type DeployFailure, PlatformError } from '@eve/domain';
import type { LogWriter } from '../logs/log-writer.ts';
import type { Redact } from '../logs/redact.ts';
import type { Platform } from '../platform.ts';
import { abandonDeploy } from './abandon-deploy.ts';
import type { DeployContext } from './deploy-context.ts';
import { deployFailure } from './deploy-failure.ts';
import { endDeploy } from './end-deploy.ts';
import { type Execution, setPhase } from './execution.ts';
import { instanceReports, redactedFailure } from './instance-reports.ts';

const notTheirs: ReadonlySet<string> = new Set(['lease_lost', 'record_changed']);

/** What an error inside a deploy is to its owner; null for an outage or a mistake of ours, which is tried again. */
export function deployFailureOf(error: unknown): DeployFailure | null {
  if (error instanceof DeployFailed) return error.failure;
  if (!(error instanceof PlatformError) || error.kind === 'unavailable' || notTheirs.has(error.code)) return null;
  return deployFailure(error.code === 'host_taken' ? 'host_taken' : 'engine_error', error.message);
}

/**
 * Ends a deploy that failed. What served before serves again and what was started is removed, unless the new revision served already
 * and the environment does not want to go back by itself.
 */
export async function failExecution(
  platform: Platform,
  execution: Execution,
  failure: DeployFailure,
  redact: Redact,
): Promise<void> {
  const { context, before, writer, work } = execution;
  const { deploy, environment, revision, rules } = context;
  const reported = redactedFailure(await withReports(platform, execution, failure), redact);
  sayDeployFailure(writer, reported);
  if (deploy.phase === 'stabilising' && failure.code !== 'digest_mismatch' && !rules.autoRollback) {
    const words = `${environment.name}#${revision.number} serves on: this environment does not go back by itself`;
    writer.say(words, { step: 'rollback' });
    await writer.flush();
    return endDeploy(platform, deploy, work, { type: 'fail', failure: reported, serves: revision.id });
  }
  const rolledBackTo = before && (await hasMoved(platform, context)) ? before.deployId : null;
  // Known from here on: whoever takes over goes on with giving back, and does not try once more.
  await setPhase(platform, execution, 'draining', { failure: reported, rolledBackTo });
  await giveBack(platform, execution, reported);
}

/** Lets what served before serve again, after a failure that is recorded, and ends the deploy. */
export async function giveBack(platform: Platform, execution: Execution, failure: DeployFailure): Promise<void> {
  const { context, before, writer, work, signal } = execution;
  await abandonDeploy(platform, context, work, signal);
  const { rolledBackTo } = context.deploy;
  const about = { step: 'rollback' };
  if (rolledBackTo) writer.say(`Traffic went back to what served before: deploy ${rolledBackTo}`, about);
  else if (before) writer.say('What this deploy started was removed, what served before serves on', about);
  else writer.say('What this deploy started was removed; nothing served before it', about);
  await writer.flush();
  await endDeploy(platform, context.deploy, work, { type: 'fail', failure });
}

/** Whether anything of a deploy serves, or has served for a while. */
async function hasMoved({ store }: Pick<Platform, 'store'>, { deploy, target }: DeployContext): Promise<boolean> {
  if (deploy.phase === 'stabilising') return true;
  const endpoints = await store.endpoints.listOfEnvironment(deploy.tenantId, deploy.environmentId);
  return endpoints.some(
    ({ deployId, instance, state }) =>
      state === 'serving' && (deployId === deploy.id || target.reusable.includes(instance)),
  );
}

/** Ends a deploy that somebody cancelled. */
export async function cancelExecution(platform: Platform, { context, writer, work, signal }: Execution): Promise<void> {
  const { tenantId, id } = context.deploy;
  const { cancelReason } = await platform.store.deploys.get(tenantId, id);
  await abandonDeploy(platform, context, work, signal);
  const why = cancelReason ? ` (${cancelReason})` : '';
  writer.say(`Cancelled${why}: what this deploy started was removed, what served before serves on`, { step: 'cancel' });
  await writer.flush();
  await endDeploy(platform, context.deploy, work, { type: 'cancel' });
}

/** With a report of every instance that was started, also where the failure came from elsewhere. */
async function withReports(platform: Platform, { context }: Execution, failure: DeployFailure): Promise<DeployFailure> {
  const { target, environment } = context;
  const observed = await platform.deployer.observe(environment.id);
  const known = new Set(failure.instances.map(({ instance }) => instance));
  const others = observed.filter(({ deployId, name }) => deployId === target.deployId && !known.has(name));
  return { ...failure, instances: [...failure.instances, ...(await instanceReports(platform, others))] };
}

/** Prints a failure with its probes and the last lines of what failed. */
function sayDeployFailure(writer: LogWriter, { code, service, message, hint, probes, logs }: DeployFailure): void {
  const about = { service, step: 'error', code };
  writer.say(`Error: ${message}`, about);
  for (const probe of probes.slice(-5)) writer.say(`Probe ${probe.at.toISOString()}: ${probe.detail}`, about);
  if (logs.length > 0) writer.say([`--- Last ${logs.length} lines of ${service} ---`, ...logs].join('\n'), about);
  writer.say(`Hint: ${hint}`, about);
}

import { advanceDeploy, type Deploy, isDeployFinished } from '@eve/domain';
import { logWriter } from '../logs/log-writer.ts';
import { reasonOf } from '../logs/reason.ts';
import { redactor } from '../logs/redact.ts';
import { advanceStepOf } from '../pipelines/advance-step-of.ts';
import type { Platform } from '../platform.ts';
import type { ClaimedWork } from '../ports/work-queue.ts';
import { announceDeploy } from './announce-deploy.ts';
import { currentTarget } from './current-target.ts';
import { loadDeployContext } from './deploy-context.ts';
import type { Execution, Progress } from './execution.ts';
import { cancelExecution, deployFailureOf, failExecution, giveBack } from './fail-execution.ts';
import { runReleaseCommands } from './release-command.ts';
import { blueGreen } from './strategies/blue-green.ts';
import { canary } from './strategies/canary.ts';
import { rolling } from './strategies/rolling.ts';
import { succeedDeploy } from './succeed-deploy.ts';

const lockedMs = 2_000;
const personMs = 5_000;

/**
 * Makes a revision serve by its strategy: brings its instances up beside what serves, moves the traffic to what is healthy, watches
 * it, reads the running digests back, and only then calls itself healthy. What it replaces is retired by later work. May be
 * delivered twice: everything that is done already is found done.
 */
export async function executeDeploy(
  platform: Platform,
  work: ClaimedWork,
  signal: AbortSignal,
  cancelled: AbortSignal,
): Promise<void> {
  const { store } = platform;
  const found = await store.deploys.get(work.tenantId, work.id as Deploy['id']);
  if (isDeployFinished(found)) return store.queue.settle(work.lease);
  const needless = found.status === 'deploying' ? null : await whyNeedless(platform, found);
  if (needless) return endUnbegun(platform, found, work, needless);
  const deploy = found.status === 'deploying' ? found : await start(platform, found, work);
  // The one before it waits for a person, and holds the environment meanwhile.
  if (!deploy) return store.queue.requeue(work.lease, lockedMs, 'lock');

  const context = await loadDeployContext(platform, deploy);
  const before = await currentTarget(platform, context.environment);
  const redact = redactor(context.secretValues);
  await using writer = logWriter(platform, deploy, { lease: work.lease, attempt: work.attempt, redact, signal });
  const isCancelled = deploy.cancelRequestedAt ? AbortSignal.abort() : cancelled;
  const until = AbortSignal.any([signal, isCancelled]);
  const execution: Execution = { context, before, writer, work, signal, until };
  if (deploy.failure) return await giveBack(platform, execution, deploy.failure);
  try {
    const progress = await carryOut(platform, execution);
    await writer.flush();
    if (progress === 'waiting') return await store.queue.requeue(work.lease, personMs, 'approval');
    if (!(await succeedDeploy(platform, execution))) return await cancelExecution(platform, execution);
    platform.failpoint('after-healthy');
  } catch (error) {
    if (signal.aborted) throw error;
    if (isCancelled.aborted) return await cancelExecution(platform, execution);
    const failure = deployFailureOf(error);
    if (failure) return await failExecution(platform, execution, failure, redact);
    writer.say(redact(`Interrupted: ${reasonOf(error)} It is tried again.`), { step: 'error' });
    throw error;
  }
}

/** A repair brings back what is to serve: whatever has been deployed since it was asked for has seen to that. */
async function whyNeedless({ store }: Platform, deploy: Deploy): Promise<'cancel' | 'supersede' | null> {
  if (deploy.cancelRequestedAt) return 'cancel';
  if (deploy.cause !== 'repair') return null;
  const { currentRevisionId } = await store.environments.get(deploy.tenantId, deploy.environmentId);
  return currentRevisionId === deploy.revisionId ? null : 'supersede';
}

async function endUnbegun(
  { store, now }: Platform,
  deploy: Deploy,
  { lease }: ClaimedWork,
  type: 'cancel' | 'supersede',
): Promise<void> {
  await store.transaction(async (records) => {
    const ended = advanceDeploy(deploy, { type }, now());
    await records.deploys.update(ended, { was: deploy.status, event: type, actor: 'system', lease });
    await advanceStepOf(records, ended);
    await records.queue.settle(lease);
  });
}

async function start({ store, now }: Platform, deploy: Deploy, { lease }: ClaimedWork): Promise<Deploy | null> {
  if (await store.deploys.active(deploy.tenantId, deploy.environmentId)) return null;
  const started = advanceDeploy(deploy, { type: 'start' }, now());
  await store.deploys.update(started, { was: deploy.status, event: 'start', actor: 'system', lease });
  return started;
}

async function carryOut(platform: Platform, execution: Execution): Promise<Progress> {
  const { deploy } = execution.context;
  execution.until.throwIfAborted();
  // Once a part of the traffic has moved, all of this is done.
  if (deploy.phase !== 'canary' && deploy.phase !== 'paused' && deploy.phase !== 'stabilising') {
    await announceDeploy(platform, execution);
    await runReleaseCommands(platform, execution);
  }
  const { strategy, cause } = deploy;
  // Where the runtime exchanges instances, what is to serve is put right in the place where it serves: nothing comes up beside it.
  const isRolled = strategy.kind === 'rolling' || (cause === 'repair' && platform.deployer.exchange.by === 'rolling');
  if (isRolled) return rolling(platform, execution);
  if (strategy.kind === 'canary') return canary(platform, execution, strategy);
  return blueGreen(platform, execution);
}

import { advanceDeploy, type Deploy, DeployFailed, type DeployPhase, isDeployFinished } from '@eve/domain';
import { type LogWriter, logWriter } from '../logs/log-writer.ts';
import { reasonOf } from '../logs/reason.ts';
import { redactor } from '../logs/redact.ts';
import { advanceStepOf } from '../pipelines/advance-step-of.ts';
import type { Platform } from '../platform.ts';
import type { DeployerEvent } from '../ports/deployer.ts';
import type { ClaimedWork } from '../ports/work-queue.ts';
import { abandonDeploy } from './abandon-deploy.ts';
import { allocateAddresses } from './allocate-addresses.ts';
import { checkDigests, currentInstances } from './current-instances.ts';
import { type DeployContext, loadDeployContext } from './deploy-context.ts';
import { deployFailure } from './deploy-failure.ts';
import { deployFailureOf, endDeploy, sayDeployFailure } from './end-deploy.ts';
import { recordEndpoints } from './record-endpoints.ts';
import { applyRouting } from './routing.ts';

/**
 * Makes a revision serve: brings its instances up beside what serves, moves the traffic when all are healthy, reads the running
 * digests back, and only then calls itself healthy. What it replaces is retired by later work. May be delivered twice.
 */
export async function executeDeploy(
  platform: Platform,
  work: ClaimedWork,
  signal: AbortSignal,
  cancelled: AbortSignal,
): Promise<void> {
  const { store, now } = platform;
  let deploy = await store.deploys.get(work.tenantId, work.id as Deploy['id']);
  if (isDeployFinished(deploy)) return store.queue.settle(work.lease);
  if (deploy.status !== 'deploying') {
    const started = advanceDeploy(deploy, { type: 'start' }, now());
    await store.deploys.update(started, { was: deploy.status, event: 'start', actor: 'system', lease: work.lease });
    deploy = started;
  }

  const context = await loadDeployContext(platform, deploy);
  const redact = redactor(context.secretValues);
  await using writer = logWriter(platform, deploy, { lease: work.lease, attempt: work.attempt, redact, signal });
  try {
    if (deploy.cancelRequestedAt) cancelled = AbortSignal.abort();
    await bringUp(platform, context, writer, work, AbortSignal.any([signal, cancelled]));
    await moveTraffic(platform, context, writer, work, signal);
    await writer.flush();
    await succeed(platform, context, work);
    platform.failpoint('after-healthy');
  } catch (error) {
    if (signal.aborted) throw error;
    const failure = cancelled.aborted ? null : deployFailureOf(error);
    if (!cancelled.aborted && !failure) {
      writer.say(redact(`Interrupted: ${reasonOf(error)} It is tried again.`), { step: 'error' });
      throw error;
    }
    await abandonDeploy(platform, context, work, signal);
    if (failure) {
      const safe = { ...failure, message: redact(failure.message), logs: failure.logs.map(redact) };
      sayDeployFailure(writer, safe);
      await writer.flush();
      await endDeploy(platform, context.deploy, work, { type: 'fail', failure: safe });
    } else {
      writer.say('Cancelled: what this deploy started was removed, what served before serves on', { step: 'cancel' });
      await writer.flush();
      await endDeploy(platform, context.deploy, work, { type: 'cancel' });
    }
  }
}

async function setPhase(
  { store }: Pick<Platform, 'store'>,
  context: DeployContext,
  work: ClaimedWork,
  phase: DeployPhase,
): Promise<void> {
  context.deploy = { ...context.deploy, phase };
  await store.deploys.setPhase(context.deploy, work.lease);
}

async function bringUp(
  platform: Platform,
  context: DeployContext,
  writer: LogWriter,
  work: ClaimedWork,
  signal: AbortSignal,
): Promise<void> {
  const { target, environment, revision, missingSecrets } = context;
  if (missingSecrets.length > 0)
    throw new DeployFailed(deployFailure('secret_missing', `No longer set: ${missingSecrets.join(', ')}.`));
  const unsupported = platform.deployer.unsupported(target.services.map(({ service }) => service));
  if (unsupported.length > 0)
    throw new DeployFailed(deployFailure('engine_error', `This deployer cannot: ${unsupported.join('; ')}.`));
  writer.say(`Deploying ${environment.name}#${revision.number}`, { step: 'plan' });
  for (const change of await platform.deployer.plan(target)) {
    writer.say(
      `${change.kind} ${change.service}${change.instances > 1 ? ` ×${change.instances}` : ''}: ${change.reason}`,
      {
        service: change.service,
        step: 'plan',
      },
    );
  }
  await allocateAddresses(platform, context);
  for await (const event of platform.deployer.apply(target, work.lease, signal)) {
    signal.throwIfAborted();
    await record(platform, context, writer, work, event);
  }
  signal.throwIfAborted();
  platform.failpoint('after-start-instances');
}

async function record(
  platform: Platform,
  context: DeployContext,
  writer: LogWriter,
  work: ClaimedWork,
  event: DeployerEvent,
): Promise<void> {
  if (event.type === 'note') writer.say(event.text, { service: event.service, step: 'start' });
  if (event.type === 'probed' && !event.probe.ok)
    writer.say(event.probe.detail, { service: event.service, step: 'probe' });
  if (event.type === 'started') {
    if (context.deploy.phase !== 'probing') await setPhase(platform, context, work, 'probing');
    writer.say(`Started ${event.instance.name}`, { service: event.instance.service, step: 'start' });
    await recordEndpoints(platform, context, work, event.instance);
  }
  if (event.type === 'healthy')
    writer.say(`Healthy: ${event.instance.name}`, { service: event.instance.service, step: 'probe' });
}

async function moveTraffic(
  platform: Platform,
  context: DeployContext,
  writer: LogWriter,
  work: ClaimedWork,
  signal: AbortSignal,
): Promise<void> {
  const { store, deployer } = platform;
  const { environment, target } = context;
  await setPhase(platform, context, work, 'switching');
  const current = currentInstances(target.services, await deployer.observe(environment.id));
  checkDigests(target.services, current);
  platform.failpoint('before-switch');
  await deployer.serve(target, work.lease, signal);
  await store.endpoints.switchTo(
    environment.tenantId,
    environment.id,
    current.map(({ name }) => name),
    work.lease,
  );
  await applyRouting(platform, signal);
  platform.failpoint('after-switch');
  writer.say('Traffic moved', { step: 'switch' });
  const after = currentInstances(target.services, await deployer.observe(environment.id));
  checkDigests(target.services, after);
  for (const { service, digests } of target.services)
    writer.say(`Running ${digests[0]}`, { service: service.name, step: 'verify' });
}

async function succeed(
  { store, now, failpoint }: Platform,
  context: DeployContext,
  { lease }: ClaimedWork,
): Promise<void> {
  const { environment, revision } = context;
  failpoint('before-healthy');
  await store.transaction(async (records) => {
    const deploy = await records.deploys.get(context.deploy.tenantId, context.deploy.id);
    const healthy = advanceDeploy(deploy, { type: 'succeed' }, now());
    await records.deploys.update(healthy, { was: deploy.status, event: 'succeed', actor: 'system', lease });
    const { id, tenantId } = environment;
    await records.environments.update({ id, tenantId, currentRevisionId: revision.id, lastDeployId: healthy.id });
    await advanceStepOf(records, healthy);
    await records.queue.add({
      kind: 'retire-instances',
      id: environment.id,
      tenantId: environment.tenantId,
      projectId: environment.projectId,
      class: 'control',
      version: 1,
      exclusiveKey: environment.id,
    });
    await records.queue.settle(lease);
  });
}

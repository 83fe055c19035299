import { annotation, deploymentName } from '@eve/adapter-kubernetes';
import { DeployFailed, startOrder } from '@eve/domain';
import type { DeployerEvent, DeployTarget, Lease, ServiceTarget } from '@eve/operations';
import type { ActContext, KubernetesSettings } from './context.ts';
import { annotate, isRolledOut, putDeployment, readDeployment, scale, untilRolledOut } from './deployment-acts.ts';
import { hashOf } from './deployment-object.ts';
import { holdFence } from './fence.ts';
import { isReady } from './instance.ts';
import { withInstances } from './instance-report.ts';
import { ensurePlace } from './place.ts';
import { refusedFailure } from './refused.ts';
import { reporting } from './reporting.ts';
import { serveOnly, settle } from './serve.ts';
import { isTouched, podsIn, readStanding, slotToRoll } from './standing.ts';
import { untilReady } from './until-ready.ts';

/** Has the cluster exchange the instances of each service where it serves, one service after the other. */
export function roll(
  settings: KubernetesSettings,
  asked: { readonly target: DeployTarget; readonly namespace: string; readonly lease: Lease },
  signal: AbortSignal,
): AsyncGenerator<DeployerEvent> {
  return reporting(signal, (report, signal) => rollAll({ ...settings, ...asked, signal, report }));
}

async function rollAll(context: ActContext): Promise<void> {
  const { target, namespace } = context;
  await ensurePlace(context);
  const ordered = startOrder(target.services.map(({ service }) => service)).flat();
  for (const { name } of ordered) {
    const wanted = target.services.find(({ service }) => service.name === name);
    if (!wanted) continue;
    try {
      await rollService(context, wanted);
    } catch (error) {
      const cause = refusedFailure(error, name);
      if (!(cause instanceof DeployFailed) || context.signal.aborted) throw cause;
      throw await withInstances(context, namespace, target.deployId, cause);
    }
  }
  const { cluster, installation } = context;
  await settle(context, await readStanding(cluster, { installation, environmentId: target.environment.id }), true);
}

async function rollService(context: ActContext, wanted: ServiceTarget): Promise<void> {
  const { cluster, installation, target, namespace, lease, signal, report } = context;
  const { name: service, replicas, autoscale } = wanted.service;
  const standing = await readStanding(cluster, { installation, environmentId: target.environment.id });
  const slot = slotToRoll(standing, wanted);
  const there = await readDeployment(context, service, slot);
  const isAlike = there !== null && hashOf(there.spec) === wanted.hash;
  const isByHand = isAlike && isTouched(there, target, wanted);
  // With an autoscaler the cluster chooses, but for the first time.
  const count = autoscale ? Math.max(autoscale.min, there?.spec.replicas ?? replicas) : replicas;
  const known = podsIn(standing, service, slot, wanted.hash).filter(isReady);
  const isThere = isAlike && !isByHand;
  const isQuiet = isThere && (there.spec.replicas ?? 1) === count && known.length >= count && isRolledOut(there);
  if (!isQuiet) {
    signal.throwIfAborted();
    await holdFence(cluster, namespace, { lease, deployId: target.deployId });
    const name = deploymentName(service, slot);
    if (isByHand)
      report({ type: 'note', service, text: `somebody has changed the image of ${name} by hand: taken back` });
    const made = isThere ? there : await putDeployment(context, wanted, slot, there, isByHand);
    if ((made.spec.replicas ?? 1) !== count) await scale(context, name, count);
    await untilRolled(context, wanted, { name, count, known: new Set(known.map(({ metadata }) => metadata.name)) });
    if (!isAlike) report({ type: 'note', service, text: `rolled out to ${count} instances` });
  }
  const now = await readDeployment(context, service, slot);
  if (now?.metadata.annotations?.[annotation.replaced] !== undefined)
    await annotate(cluster, now, { [annotation.replaced]: null });
  await serveOnly(context, wanted, slot);
}

async function untilRolled(
  context: ActContext,
  wanted: ServiceTarget,
  {
    name: deployment,
    count: replicas,
    known,
  }: { readonly name: string; readonly count: number; readonly known: ReadonlySet<string> },
): Promise<void> {
  const { target, namespace, report, signal } = context;
  const told = new Set<string>();
  const awaited = { namespace, deployment, wanted, replicas, deployId: target.deployId };
  for await (const event of untilReady(context, awaited, signal)) {
    if (event.type !== 'started' && event.type !== 'healthy') {
      report(event);
      continue;
    }
    const instance = { ...event.instance, named: true };
    if (known.has(instance.name)) continue;
    if (!told.has(instance.name)) report({ type: 'started', instance });
    told.add(instance.name);
    if (event.type === 'healthy') report({ type: 'healthy', instance });
  }
  const end = await untilRolledOut(context, { name: deployment, namespace }, signal);
  if (end === 'rolled_out') return;
  throw new DeployFailed({
    code: end === 'gone' ? 'engine_error' : 'health_check_failed',
    message:
      end === 'gone'
        ? `The Deployment ${deployment} was removed by somebody else while it was rolled out.`
        : `The rollout of ${wanted.service.name} made no progress for too long.`,
    service: wanted.service.name,
    hint: end === 'gone' ? 'Deploy again.' : 'Its new instances became ready and did not stay so: their logs say more.',
    probes: [],
    logs: [],
    instances: [],
  });
}

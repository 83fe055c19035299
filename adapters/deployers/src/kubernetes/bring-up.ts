import { annotation, deploymentName, kinds, type Slot } from '@eve/adapter-kubernetes';
import { DeployFailed } from '@eve/domain';
import type { DeployerEvent, DeployTarget, Lease, ServiceTarget } from '@eve/operations';
import type { ActContext, KubernetesSettings } from './context.ts';
import { annotate, bringBack, dropDeployment, putDeployment, scale } from './deployment-acts.ts';
import { hashOf } from './deployment-object.ts';
import { holdFence } from './fence.ts';
import { instanceOf, isReady } from './instance.ts';
import { withInstances } from './instance-report.ts';
import { ensurePlace } from './place.ts';
import { probe } from './probe.ts';
import { refusedFailure } from './refused.ts';
import { reporting } from './reporting.ts';
import { nameSlots } from './serve.ts';
import { type Choice, choose, podsIn, readStanding, type Standing, servingSlots } from './standing.ts';
import { untilReady } from './until-ready.ts';

export interface BringUp extends ActContext {
  /** At most so many instances of a service; all that it wants unless said. */
  readonly upTo: Readonly<Record<string, number>>;
}

interface Replaced {
  readonly service: string;
  readonly slot: Slot;
}

/** Brings all services up beside what serves. */
export function apply(
  settings: KubernetesSettings,
  asked: { readonly target: DeployTarget; readonly namespace: string; readonly lease: Lease },
  signal: AbortSignal,
  upTo: Readonly<Record<string, number>> = {},
): AsyncGenerator<DeployerEvent> {
  return reporting(signal, (report, signal) => bringUp({ ...settings, ...asked, upTo, signal, report }));
}

async function bringUp(outer: BringUp): Promise<void> {
  const { cluster, installation, target } = outer;
  await ensurePlace(outer);
  const standing = await readStanding(cluster, { installation, environmentId: target.environment.id });
  const stop = new AbortController();
  const context: BringUp = { ...outer, signal: AbortSignal.any([outer.signal, stop.signal]) };
  const replaced: Replaced[] = [];
  const services = new Map<string, { readonly started: Promise<void>; readonly healthy: Promise<void> }>();
  let failure: { readonly error: unknown } | null = null;
  for (const wanted of target.services) {
    const started = Promise.withResolvers<void>();
    const healthy = Promise.resolve().then(async () => {
      try {
        const dependencies = async () => {
          for (const { service, condition } of wanted.service.dependsOn)
            await (condition === 'healthy' ? services.get(service)?.healthy : services.get(service)?.started);
        };
        await bringUpService(context, wanted, standing, { dependencies, replaced, onStarted: started.resolve });
      } catch (error) {
        const cause = refusedFailure(error, wanted.service.name);
        failure ??= { error: cause };
        stop.abort();
        throw cause;
      } finally {
        started.resolve();
      }
    });
    services.set(wanted.service.name, { started: started.promise, healthy });
  }
  await Promise.allSettled([...services.values()].map(({ healthy }) => healthy));
  const failed = failure as { readonly error: unknown } | null;
  if (!failed) return;
  // After an abort another worker goes on, or `remove` brings the old instances back.
  if (outer.signal.aborted || !(failed.error instanceof DeployFailed)) throw failed.error;
  // Before the old ones are brought back: the report is of what failed.
  const told = await withInstances(outer, outer.namespace, target.deployId, failed.error);
  for (const { service, slot } of replaced) {
    const there = await cluster.get(kinds.Deployment, deploymentName(service, slot), outer.namespace);
    if (there && (await bringBack(cluster, there, outer.signal)))
      outer.report({ type: 'note', service, text: 'what was replaced is started again' });
  }
  throw told;
}

interface Around {
  readonly dependencies: () => Promise<void>;
  readonly replaced: Replaced[];
  readonly onStarted: () => void;
}

async function bringUpService(
  context: BringUp,
  wanted: ServiceTarget,
  standing: Standing,
  { dependencies, replaced, onStarted }: Around,
): Promise<void> {
  const { cluster, target, report, upTo, namespace, lease, signal } = context;
  const service = wanted.service.name;
  const count = countOf(standing, wanted);
  const most = Math.min(count, upTo[service] ?? count);
  if (most === 0) return dependencies();
  const choice = choose(standing, target, wanted);
  const { slot, there } = choice;
  const known = await reportPresent(context, wanted, standing, choice, most);
  if (known.size >= most) return dependencies();
  await dependencies();
  signal.throwIfAborted();
  await holdFence(cluster, namespace, { lease, deployId: target.deployId });

  const name = deploymentName(service, slot);
  if (choice.kind === 'beside' && there) await dropDeployment(cluster, there, signal);
  if (choice.kind === 'replace') {
    report({ type: 'note', service, text: `stopping what runs of ${service}: both would write to one volume` });
    // Of several attempts the first one replaced what served.
    const before = choice.there.metadata.annotations?.[annotation.replaced] ?? hashOf(choice.there.spec);
    await annotate(cluster, choice.there, { [annotation.replaced]: before });
  }
  const isReplacing = choice.kind === 'replace' || there?.metadata.annotations?.[annotation.replaced] !== undefined;
  if (isReplacing) replaced.push({ service, slot });
  const isMade = choice.kind === 'beside' || choice.kind === 'replace';
  const now = isMade ? await putDeployment(context, wanted, slot, choice.kind === 'replace' ? there : null) : there;
  if ((now?.spec.replicas ?? 1) < most || (isMade && now?.spec.replicas !== most)) await scale(context, name, most);

  const awaited = { namespace, deployment: name, wanted, replicas: most, deployId: target.deployId };
  const isFirst = nobodyElseServes(standing, service, slot);
  let isNamed = !isFirst;
  const told = new Set(known);
  for await (const event of untilReady(context, awaited, signal)) {
    if (event.type !== 'started' && event.type !== 'healthy') {
      report(event);
      continue;
    }
    if (known.has(event.instance.name)) continue;
    // The first of its service: those that depend on it need its name now, and nobody loses it.
    if (event.type === 'healthy' && !isNamed) {
      await nameSlots(context, wanted, [slot]);
      isNamed = true;
    }
    const instance = { ...event.instance, named: event.type === 'healthy' && isFirst };
    // One that the cluster makes of an earlier deploy's template is new all the same.
    if (!told.has(instance.name)) report({ type: 'started', instance });
    told.add(instance.name);
    if (told.size >= most) onStarted();
    if (event.type === 'healthy') report({ type: 'healthy', instance });
  }
}

/** With an autoscaler as many as serve now: the new ones get all of the traffic at once. */
function countOf(standing: Standing, { service: { name, replicas, autoscale } }: ServiceTarget): number {
  if (!autoscale) return replicas;
  const serving = servingSlots(standing, name).map((slot) => podsIn(standing, name, slot).filter(isReady).length);
  return Math.min(autoscale.max, Math.max(autoscale.min, replicas, ...serving));
}

function nobodyElseServes(standing: Standing, service: string, slot: Slot): boolean {
  return servingSlots(standing, service).every(
    (each) => each === slot || !podsIn(standing, service, each).some(isReady),
  );
}

/** Tells of what runs already as it is wanted, at most so many; answers with their names. */
async function reportPresent(
  context: BringUp,
  wanted: ServiceTarget,
  standing: Standing,
  { kind, slot }: Choice,
  most: number,
): Promise<ReadonlySet<string>> {
  const { cluster, report, signal } = context;
  const service = wanted.service.name;
  if (kind !== 'kept' && kind !== 'again') return new Set();
  const pods = podsIn(standing, service, slot, wanted.hash);
  const present = new Set<string>();
  for (const pod of pods) {
    if (present.size >= most) break;
    const { name, namespace, uid } = pod.metadata;
    const instance = instanceOf(pod, kind === 'kept');
    if (kind === 'kept') {
      if (!isReady(pod)) continue;
      present.add(name);
      report({ type: 'healthy', instance });
      continue;
    }
    const probes = await probe(context, wanted, instance, signal);
    for (const each of probes) report({ type: 'probed', service, instance: name, probe: each });
    const bad = probes.find(({ ok }) => !ok);
    const text = bad ? `${name} is not well any more (${bad.detail})` : `${name} still runs and is taken up again`;
    report({ type: 'note', service, text });
    // The cluster starts another one in its place.
    if (bad) await cluster.remove(kinds.Pod, { name, namespace }, { uid });
    else {
      present.add(name);
      report({ type: 'healthy', instance });
    }
  }
  if (kind === 'kept' && present.size > 0)
    report({ type: 'note', service, text: `unchanged, ${present.size} left running` });
  return present;
}

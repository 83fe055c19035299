import { DockerError, ensureImage, inspectImage, startContainer, stopContainer } from '@eve/adapter-docker';
import { DeployFailed, type ProbeResult } from '@eve/domain';
import type { DeployerEvent, DeployTarget, Lease, ServiceTarget } from '@eve/operations';
import { type EventChannel, eventChannel } from '../event-channel.ts';
import { environmentLabels, hasWritableVolume } from './container-body.ts';
import { type ApplyContext, type DeployerSettings, oneAtATime } from './context.ts';
import { engineFailure, pullFailure, withInstances } from './failure.ts';
import { refuseOldFence } from './fence.ts';
import { type Found, findInstance, findInstances, label } from './found.ts';
import { giveName } from './naming.ts';
import { ensurePlace } from './place.ts';
import { standingOf } from './plan.ts';
import { probeInstance } from './probe.ts';
import { instanceName, startInstance } from './start-instance.ts';
import { untilHealthy } from './until-healthy.ts';

/** Brings all services up beside what serves; what goes on at once is told in one sequence. */
export async function* apply(
  settings: DeployerSettings,
  target: DeployTarget,
  lease: Lease,
  signal: AbortSignal,
  upTo: Readonly<Record<string, number>> = {},
): AsyncGenerator<DeployerEvent> {
  const channel = eventChannel<DeployerEvent>();
  const stop = new AbortController();
  const asked = { target, lease, upTo, signal: AbortSignal.any([signal, stop.signal]) };
  const work = bringUp(settings, asked, channel).then(channel.end, channel.fail);
  try {
    yield* channel.values();
  } finally {
    stop.abort();
    await work;
  }
}

async function bringUp(
  settings: DeployerSettings,
  asked: Pick<ApplyContext, 'target' | 'lease' | 'upTo' | 'signal'>,
  channel: EventChannel<DeployerEvent>,
): Promise<void> {
  const { engine } = settings;
  const { target, lease, signal: outer } = asked;
  await refuseOldFence(engine, target, lease);
  const labels = environmentLabels(target, settings.installation);
  const place = await ensurePlace(engine, target.place, { pool: settings.networkPool, labels });
  const found = await findInstances(engine, { [label.environment]: target.environment.id });
  const stop = new AbortController();
  const context: ApplyContext = {
    ...settings,
    ...asked,
    place,
    signal: AbortSignal.any([outer, stop.signal]),
    takenSlots: new Set(found.map(({ slot }) => slot)),
    report: channel.push,
    exclusively: oneAtATime(),
  };

  const replaced: Found[] = [];
  const services = new Map<string, { readonly started: Promise<void>; readonly healthy: Promise<void> }>();
  let failure: { readonly error: unknown } | null = null;
  for (const wanted of target.services) {
    const started = Promise.withResolvers<void>();
    const healthy = Promise.resolve().then(async () => {
      try {
        await bringUpService(context, wanted, found, replaced, {
          dependencies: () => dependenciesOf(wanted, services),
          onStarted: started.resolve,
        });
      } catch (error) {
        const cause = error instanceof DockerError ? await engineFailure(engine, wanted.service.name, error) : error;
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
  if (outer.aborted) throw failed.error;
  const { error } = failed;
  // Before the old ones are brought back: the report is of what failed.
  const told = error instanceof DeployFailed ? await withInstances(settings, target.deployId, error) : error;
  await restore(context, replaced);
  throw told;
}

async function dependenciesOf(
  { service }: ServiceTarget,
  services: ReadonlyMap<string, { readonly started: Promise<void>; readonly healthy: Promise<void> }>,
): Promise<void> {
  for (const { service: name, condition } of service.dependsOn)
    await (condition === 'healthy' ? services.get(name)?.healthy : services.get(name)?.started);
}

async function bringUpService(
  context: ApplyContext,
  wanted: ServiceTarget,
  found: readonly Found[],
  replaced: Found[],
  { dependencies, onStarted }: { dependencies: () => Promise<void>; onStarted: () => void },
): Promise<void> {
  const { engine, target, lease, place, report, signal } = context;
  const { name: service, replicas } = wanted.service;
  const most = Math.min(replicas, context.upTo[service] ?? replicas);
  const { kept, again, others } = standingOf(target, wanted, found, most);
  for (const { instance } of kept) report({ type: 'healthy', instance });
  if (kept.length > 0) report({ type: 'note', service, text: `unchanged, ${kept.length} left running` });
  const well = await takenUpAgain(context, wanted, again);
  const nobodyServes = () =>
    kept.length === 0 &&
    others.every(({ instance, container }) => {
      const isReplaced = replaced.some((each) => each.container.Id === container.Id);
      return !instance.named || instance.state !== 'running' || isReplaced;
    });
  /** The first of its service: those that depend on it need its name now, and nobody loses it. */
  const up = async (each: Found) => {
    if (nobodyServes()) await giveName(engine, place, each);
    const healthy = await findInstance(engine, each.instance.name);
    if (healthy) report({ type: 'healthy', instance: healthy.instance });
  };
  await Promise.all(well.map(up));

  const taken = new Set([...kept, ...well].map(({ instance }) => instance.name));
  const missing = replicaNumbers(context, service, most - taken.size, taken);
  if (missing.length === 0) return dependencies();
  // While others still start.
  await pull(context, wanted);
  await dependencies();
  signal.throwIfAborted();
  await refuseOldFence(engine, target, lease);
  if (hasWritableVolume(wanted.service)) await stopReplaced(context, service, others, replaced);
  const instances = await Promise.all(missing.map((replica) => startInstance(context, wanted, replica)));
  for (const { instance } of instances) report({ type: 'started', instance });
  onStarted();

  await Promise.all(
    instances.map(async (started) => {
      const { name: instance } = started.instance;
      const onProbe = (probe: ProbeResult) => report({ type: 'probed', service, instance, probe });
      await untilHealthy(context, wanted, started.instance, onProbe, signal);
      await up(started);
    }),
  );
}

/** Those of the instances that served before which are well; the others are left to whoever removes what nobody needs. */
async function takenUpAgain(context: ApplyContext, wanted: ServiceTarget, again: readonly Found[]): Promise<Found[]> {
  const { report, signal } = context;
  const service = wanted.service.name;
  const asked = await Promise.all(
    again.map(async (each) => {
      const { name } = each.instance;
      const probes = await probeInstance(context, wanted, each.instance, signal);
      for (const probe of probes) report({ type: 'probed', service, instance: name, probe });
      const bad = probes.find(({ ok }) => !ok);
      const text = bad ? `${name} is not well any more (${bad.detail})` : `${name} still runs and is taken up again`;
      report({ type: 'note', service, text });
      return bad ? [] : [each];
    }),
  );
  return asked.flat();
}

/** The lowest numbers that no kept instance of this same deploy has. */
function replicaNumbers(context: ApplyContext, service: string, count: number, taken: ReadonlySet<string>): number[] {
  const numbers: number[] = [];
  for (let replica = 1; numbers.length < count; replica++)
    if (!taken.has(instanceName(context, service, replica))) numbers.push(replica);
  return numbers;
}

async function pull({ engine, report, signal }: ApplyContext, { service, image, login, local }: ServiceTarget) {
  try {
    // A local image was never pushed: a registry that knows its id means another one.
    if (!local) await ensureImage(engine, image, login, signal);
    else if (!(await inspectImage(engine, image, signal))) throw new DockerError(404, `No such image: ${image}`);
  } catch (error) {
    if (!(error instanceof DockerError)) throw error;
    report({ type: 'note', service: service.name, text: `image ${image}: ${error.message}` });
    throw await pullFailure(engine, service.name, image, error);
  }
}

async function stopReplaced(
  { engine, report, signal }: ApplyContext,
  service: string,
  others: readonly Found[],
  replaced: Found[],
): Promise<void> {
  for (const each of others) {
    if (each.instance.state !== 'exited')
      report({ type: 'note', service, text: `stopping ${each.instance.name}: both would write to one volume` });
    // One that an earlier attempt of this deploy stopped is brought back too.
    if (each.instance.named) replaced.push(each);
    await stopContainer(engine, each.container.Id, { signal });
  }
}

/** Brings back what was stopped for a revision that failed: its volume is the old one's again. */
async function restore(context: ApplyContext, replaced: readonly Found[]): Promise<void> {
  const { engine, target, report } = context;
  const services = new Set(replaced.map(({ instance }) => instance.service));
  if (services.size === 0) return;
  for (const { container, instance } of await findInstances(engine, { [label.deploy]: target.deployId }))
    if (services.has(instance.service)) await stopContainer(engine, container.Id);
  for (const { container, instance } of replaced) {
    await startContainer(engine, container.Id);
    report({ type: 'note', service: instance.service, text: `started ${instance.name} again` });
  }
}

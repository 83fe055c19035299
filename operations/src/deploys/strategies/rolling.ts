import { DeployFailed, startOrder } from '@eve/domain';
import type { Platform } from '../../platform.ts';
import type { ServiceTarget } from '../../ports/deployer.ts';
import { pause } from '../../work/pause.ts';
import { currentInstances } from '../current-instances.ts';
import { writesVolume } from '../deploy-target.ts';
import type { Execution, Progress } from '../execution.ts';
import { stabilise } from '../stabilise.ts';
import { startInstances } from '../start-instances.ts';
import { serveEvenly, switchTraffic } from '../switch-traffic.ts';
import { untilDrained } from '../until-drained.ts';
import { watchInstances } from '../watch-instances.ts';
import { mixture, type Turn } from './mixture.ts';
import { goesOn, pauseAt } from './rolling-pause.ts';

/**
 * Service after service in the order of depends_on, and of each some replicas at a time, as its `update` says. Old ones that have
 * been replaced are stopped, not removed, so that all of them can come back until the deploy is healthy.
 */
export async function rolling(platform: Platform, execution: Execution): Promise<Progress> {
  const { target, deploy } = execution.context;
  if (deploy.phase !== 'stabilising') {
    if (deploy.phase === 'paused' && !(await goesOn(platform, execution))) return 'waiting';
    const ordered = startOrder(target.services.map(({ service }) => service)).flat();
    const services = ordered.flatMap(({ name }) => target.services.find(({ service }) => service.name === name) ?? []);
    for (const wanted of services) {
      try {
        await replaceReplicas(platform, execution, wanted, services);
      } catch (error) {
        if (!(error instanceof DeployFailed) || wanted.service.update.failureAction !== 'pause') throw error;
        await pauseAt(platform, execution, error.failure);
        return 'waiting';
      }
    }
  }
  await switchTraffic(platform, execution);
  await stabilise(platform, execution);
  return 'switched';
}

async function replaceReplicas(
  platform: Platform,
  execution: Execution,
  wanted: ServiceTarget,
  services: readonly ServiceTarget[],
): Promise<void> {
  const { context, before, until } = execution;
  const { name, replicas, update } = wanted.service;
  const isNew = !before?.services.some(({ service }) => service.name === name);
  const atOnce = isNew || update.parallelism === 0 ? replicas : update.parallelism;
  const turn = services.indexOf(wanted);
  for (;;) {
    const observed = await platform.deployer.observe(context.environment.id);
    const current = currentInstances(context.target, observed).filter(({ service }) => service === name);
    const done = current.filter(({ named }) => named).length;
    if (done >= replicas) return;
    const next = Math.min(replicas, done + atOnce);
    // As many of each service before it as it wants, of those after it only what need not be replaced.
    const upTo = Object.fromEntries(services.slice(turn).map(({ service }) => [service.name, 0]));
    const isStopFirst = update.order === 'stop-first' || writesVolume(wanted.service);
    if (isStopFirst) await moveOn(platform, execution, { service: name, room: next - done });
    await startInstances(platform, execution, { ...upTo, [name]: next });
    await moveOn(platform, execution, { service: name, entering: next });
    platform.failpoint('in-rolling');
    await monitor(platform, execution, wanted);
    if (next < replicas) await pause(update.delayMs, until);
  }
}

/** Lets what is there serve, and stops the old ones that it makes up for once their requests have ended. */
async function moveOn(platform: Platform, execution: Execution, turn: Turn): Promise<void> {
  const { context, before, writer, until } = execution;
  const { target, environment } = context;
  const observed = await platform.deployer.observe(environment.id);
  const { serving, leaving } = mixture({ target, before }, observed, turn);
  const out = leaving.filter(({ service }) => service === turn.service);
  platform.failpoint('before-switch');
  await serveEvenly(platform, execution, serving);
  platform.failpoint('after-switch');
  if (out.length === 0) return;
  await untilDrained(platform, out, until);
  await platform.deployer.halt(out, until);
  writer.say(`Stopped ${out.map(({ name }) => name).join(', ')}`, { service: turn.service, step: 'switch' });
}

/** Watches a service's new replicas for as long as it asks for. `continue` means that one which was healthy may fail again. */
async function monitor(platform: Platform, execution: Execution, { service }: ServiceTarget): Promise<void> {
  const { context, writer } = execution;
  const { monitorMs, failureAction } = service.update;
  if (!monitorMs) return;
  const observed = await platform.deployer.observe(context.environment.id);
  const mine = observed.filter((each) => each.deployId === context.target.deployId && each.service === service.name);
  try {
    await watchInstances(platform, execution, mine, { forMs: monitorMs, since: platform.now() });
  } catch (error) {
    if (!(error instanceof DeployFailed) || failureAction !== 'continue') throw error;
    const words = `${error.message} The update goes on, as its failure_action says.`;
    writer.say(words, { service: service.name, step: 'monitor' });
  }
}

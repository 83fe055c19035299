import { DeployFailed, startOrder } from '@eve/domain';
import type { Platform } from '../../platform.ts';
import type { Halting, ServiceTarget } from '../../ports/deployer.ts';
import { pause } from '../../work/pause.ts';
import { currentInstances } from '../current-instances.ts';
import { writesVolume } from '../deploy-target.ts';
import type { Execution, Progress } from '../execution.ts';
import { stabilise } from '../stabilise.ts';
import { startInstances } from '../start-instances.ts';
import { serveEvenly, switchTraffic } from '../switch-traffic.ts';
import { untilDrained } from '../until-drained.ts';
import { mixture, type Turn } from './mixture.ts';
import { monitor } from './monitor.ts';
import { rollingByRuntime } from './rolling-by-runtime.ts';
import { goesOn, pauseAt } from './rolling-pause.ts';

/**
 * Service after service in the order of depends_on, and of each some replicas at a time, as its `update` says. Old ones that have
 * been replaced are stopped, not removed, so that all of them can come back until the deploy is healthy.
 */
export async function rolling(platform: Platform, execution: Execution): Promise<Progress> {
  const { deploy } = execution.context;
  if (deploy.phase !== 'stabilising') {
    if (deploy.phase === 'paused' && !(await goesOn(platform, execution))) return 'waiting';
    const { exchange } = platform.deployer;
    const progress =
      exchange.by === 'rolling'
        ? await rollingByRuntime(platform, execution, exchange)
        : await replaceServices(platform, execution, exchange);
    if (progress === 'waiting') return progress;
  }
  await switchTraffic(platform, execution);
  await stabilise(platform, execution);
  return 'switched';
}

async function replaceServices(platform: Platform, execution: Execution, exchange: Halting): Promise<Progress> {
  const { target } = execution.context;
  const ordered = startOrder(target.services.map(({ service }) => service)).flat();
  const services = ordered.flatMap(({ name }) => target.services.find(({ service }) => service.name === name) ?? []);
  for (const wanted of services) {
    try {
      await replaceReplicas(platform, { ...execution, exchange }, wanted, services);
    } catch (error) {
      if (!(error instanceof DeployFailed) || wanted.service.update.failureAction !== 'pause') throw error;
      await pauseAt(platform, execution, exchange, error.failure);
      return 'waiting';
    }
  }
  return 'switched';
}

type Replacing = Execution & { readonly exchange: Halting };

async function replaceReplicas(
  platform: Platform,
  execution: Replacing,
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
async function moveOn(platform: Platform, execution: Replacing, turn: Turn): Promise<void> {
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
  await execution.exchange.halt(out, until);
  writer.say(`Stopped ${out.map(({ name }) => name).join(', ')}`, { service: turn.service, step: 'switch' });
}

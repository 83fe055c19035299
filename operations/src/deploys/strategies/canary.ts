import { advanceCanary, type CanaryState, canaryAt, isPromoted, type Strategy } from '@eve/domain';
import type { Platform } from '../../platform.ts';
import type { Instance } from '../../ports/deployer.ts';
import { pause } from '../../work/pause.ts';
import { checkDigests, currentInstances, wantedInstances } from '../current-instances.ts';
import { type Execution, type Progress, setPhase } from '../execution.ts';
import { newcomers, stabilise } from '../stabilise.ts';
import { startInstances } from '../start-instances.ts';
import { routeWith, switchTraffic } from '../switch-traffic.ts';
import { lookMs, watchInstances } from '../watch-instances.ts';
import { divided, heldBack } from './division.ts';

type Canary = Extract<Strategy, { kind: 'canary' }>;

/**
 * A part of the outside traffic first, step by step; names inside the environment stay with the old instances. When it is promoted
 * the rest moves at once, and what could not run beside the old ones is replaced then.
 */
export async function canary(platform: Platform, execution: Execution, { steps }: Canary): Promise<Progress> {
  const { deploy } = execution.context;
  if (deploy.phase !== 'stabilising') {
    const state = deploy.canary ?? (await begin(platform, execution, steps));
    if ((await followSteps(platform, execution, steps, state)) === 'waiting') return 'waiting';
    await startInstances(platform, execution);
  }
  await switchTraffic(platform, execution);
  await stabilise(platform, execution);
  return 'switched';
}

async function begin(platform: Platform, execution: Execution, steps: Canary['steps']): Promise<CanaryState> {
  const { context, before, writer } = execution;
  const { environment } = context;
  const held = heldBack({ target: context.target, before }, await platform.deployer.observe(environment.id));
  await startInstances(platform, execution, held);
  const observed = await platform.deployer.observe(environment.id);
  checkCanary(execution, observed);
  const { divides } = divided({ target: context.target, before }, observed, 50);
  if (!divides)
    writer.say('No traffic could be shared: nothing of what serves outside changes. All at once', { step: 'canary' });
  const state = canaryAt(steps, divides ? 0 : steps.length, platform.now());
  await tell(platform, execution, steps, state);
  return state;
}

async function followSteps(
  platform: Platform,
  execution: Execution,
  steps: Canary['steps'],
  begun: CanaryState,
): Promise<Progress> {
  const { deployer, now, failpoint } = platform;
  const { context, until } = execution;
  const { target, environment } = context;
  let state = begun;
  // Where an earlier worker stood, the router may not be any more.
  await divideTraffic(platform, execution, steps, state);
  for (;;) {
    until.throwIfAborted();
    state = await takeUpRequest(platform, execution, steps, state);
    if (isPromoted(steps, state)) return 'switched';
    const observed = await deployer.observe(environment.id);
    const fresh = newcomers(execution, wantedInstances(target, observed));
    const pauseMs = steps[state.step]?.pauseMs ?? null;
    const everyMs = lookMs(pauseMs);
    await watchInstances(platform, execution, fresh, { forMs: 0, since: state.since, everyMs });
    checkCanary(execution, observed);
    failpoint('in-canary');
    if (state.paused || pauseMs === null) return 'waiting';
    const leftMs = state.since.getTime() + pauseMs - now().getTime();
    await pause(Math.min(Math.max(0, leftMs), everyMs), until);
  }
}

/** All that stands beside the old instances runs, with the digests that the release names. */
function checkCanary({ context, before }: Execution, observed: readonly Instance[]): void {
  const { target } = context;
  const held = heldBack({ target, before }, observed);
  const services = target.services.filter(({ service }) => held[service.name] === undefined);
  checkDigests(services, currentInstances(target, observed));
}

/** What somebody asked, or time brought, is recorded with where the canary stands by then. */
async function takeUpRequest(
  platform: Platform,
  execution: Execution,
  steps: Canary['steps'],
  state: CanaryState,
): Promise<CanaryState> {
  const { context } = execution;
  const { tenantId, id } = context.deploy;
  const { canaryRequest } = await platform.store.deploys.get(tenantId, id);
  const next = advanceCanary(steps, state, canaryRequest, platform.now());
  if (next !== state || canaryRequest) await tell(platform, execution, steps, next, canaryRequest !== null);
  return next;
}

async function tell(
  platform: Platform,
  execution: Execution,
  steps: Canary['steps'],
  state: CanaryState,
  isAnswer = false,
): Promise<void> {
  const { context, writer } = execution;
  // Whoever reads where it stands finds the traffic there already.
  await divideTraffic(platform, execution, steps, state);
  const phase = state.paused ? 'paused' : 'canary';
  await platform.store.transaction(async ({ deploys }) => {
    await setPhase({ store: { deploys } }, execution, phase, { canary: state });
    if (isAnswer) await deploys.setCanaryRequest(context.deploy.tenantId, context.deploy.id, null);
  });
  const share = `${state.weight} % of the traffic goes to the new revision`;
  const words = state.paused ? `${share}; waiting for a promotion or an abort` : share;
  writer.say(isPromoted(steps, state) ? 'Promoted: everything goes to the new revision' : words, { step: 'canary' });
}

/** Gives the new instances their part, unless they are to have everything: that is the switch's affair. */
async function divideTraffic(
  platform: Platform,
  execution: Execution,
  steps: Canary['steps'],
  state: CanaryState,
): Promise<void> {
  if (isPromoted(steps, state)) return;
  const { target, environment } = execution.context;
  const observed = await platform.deployer.observe(environment.id);
  await routeWith(platform, execution, divided({ target, before: execution.before }, observed, state.weight).weights);
}

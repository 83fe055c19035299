import { advanceCanary, type CanaryState, canaryAt, isPromoted, type Strategy } from '@eve/domain';
import type { Platform } from '../../platform.ts';
import type { Instance } from '../../ports/deployer.ts';
import { pause } from '../../work/pause.ts';
import { checkDigests, currentInstances, wantedInstances } from '../current-instances.ts';
import { type Execution, type Progress, setPhase } from '../execution.ts';
import { newcomers, stabilise } from '../stabilise.ts';
import { bringUp, startInstances } from '../start-instances.ts';
import { routeWith, switchTraffic } from '../switch-traffic.ts';
import { lookMs, watchInstances } from '../watch-instances.ts';
import { divided, heldBack, sharesByNumber } from './division.ts';

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
  const limits = limitsAt(platform, execution, await platform.deployer.observe(environment.id), steps[0]?.weight ?? 0);
  await startInstances(platform, execution, limits);
  const observed = await platform.deployer.observe(environment.id);
  checkCanary(execution, observed, limits);
  const { divides } = divided({ target: context.target, before }, observed, 50);
  if (!divides)
    writer.say('No traffic could be shared: nothing of what serves outside changes. All at once', { step: 'canary' });
  const state = canaryAt(steps, divides ? 0 : steps.length, platform.now());
  return tell(platform, execution, steps, state);
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
    // The runtime may have put others in the place of some meanwhile.
    const watched = await deployer.observe(environment.id);
    checkCanary(execution, watched, limitsAt(platform, execution, watched, state.weight));
    failpoint('in-canary');
    if (state.paused || pauseMs === null) return 'waiting';
    const leftMs = state.since.getTime() + pauseMs - now().getTime();
    await pause(Math.min(Math.max(0, leftMs), everyMs), until);
  }
}

/** How many instances of each service may stand beside the old ones while these get the rest of the traffic; all of a service unless said. */
function limitsAt(
  { router }: Pick<Platform, 'router'>,
  { context, before }: Execution,
  observed: readonly Instance[],
  percent: number,
): Readonly<Record<string, number>> {
  const sides = { target: context.target, before };
  const numbers = router.weights === 'by_replicas' ? sharesByNumber(sides, observed, percent) : {};
  return { ...numbers, ...heldBack(sides, observed) };
}

/** All that stands beside the old instances runs, with the digests that the release names. */
function checkCanary(
  { context }: Execution,
  observed: readonly Instance[],
  limits: Readonly<Record<string, number>>,
): void {
  const { target } = context;
  const services = target.services.flatMap((wanted) => {
    const replicas = limits[wanted.service.name] ?? wanted.service.replicas;
    return replicas === 0 ? [] : [{ ...wanted, service: { ...wanted.service, replicas } }];
  });
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
  if (next === state && !canaryRequest) return next;
  return tell(platform, execution, steps, next, canaryRequest !== null);
}

async function tell(
  platform: Platform,
  execution: Execution,
  steps: Canary['steps'],
  told: CanaryState,
  isAnswer = false,
): Promise<CanaryState> {
  const { context, writer } = execution;
  // Whoever reads where it stands finds the traffic there already.
  await divideTraffic(platform, execution, steps, told);
  // A step whose instances had to be started begins when they are there.
  const state = platform.router.weights === 'exact' ? told : { ...told, since: platform.now() };
  const phase = state.paused ? 'paused' : 'canary';
  await platform.store.transaction(async ({ deploys }) => {
    await setPhase({ store: { deploys } }, execution, phase, { canary: state });
    if (isAnswer) await deploys.setCanaryRequest(context.deploy.tenantId, context.deploy.id, null);
  });
  const share = await shareInWords(platform, execution, state);
  const words = state.paused ? `${share}; waiting for a promotion or an abort` : share;
  writer.say(isPromoted(steps, state) ? 'Promoted: everything goes to the new revision' : words, { step: 'canary' });
  return state;
}

/** Gives the new instances their part, unless they are to have everything: that is the switch's affair. */
async function divideTraffic(
  platform: Platform,
  execution: Execution,
  steps: Canary['steps'],
  state: CanaryState,
): Promise<void> {
  if (isPromoted(steps, state)) return;
  const { environment } = execution.context;
  const isExact = platform.router.weights === 'exact';
  if (!isExact) {
    const there = await platform.deployer.observe(environment.id);
    const limits = limitsAt(platform, execution, there, state.weight);
    const current = currentInstances(execution.context.target, there);
    const isShort = ([name, most]: [string, number]) => current.filter(({ service }) => service === name).length < most;
    if (Object.entries(limits).some(isShort)) for await (const _ of bringUp(platform, execution, limits));
  }
  const observed = await platform.deployer.observe(environment.id);
  // What is started may have been taken out of the target: it is the newest that counts.
  const { target } = execution.context;
  const percent = isExact ? state.weight : null;
  await routeWith(platform, execution, divided({ target, before: execution.before }, observed, percent).weights);
}

/** Such as `10 % of the traffic goes to the new revision`, or what numbers make of that. */
async function shareInWords(platform: Platform, { context, before }: Execution, state: CanaryState): Promise<string> {
  if (platform.router.weights === 'exact') return `${state.weight} % of the traffic goes to the new revision`;
  const { target, environment } = context;
  const observed = await platform.deployer.observe(environment.id);
  const shares = Object.keys(sharesByNumber({ target, before }, observed, state.weight)).map((service) => {
    const { weights } = divided({ target, before }, observed, null);
    const all = observed.filter((each) => each.service === service && weights[each.name] !== undefined).length;
    const fresh = currentInstances(target, observed).filter((each) => each.service === service).length;
    return `${fresh} of ${all} instances of ${service} are new: about ${Math.round((100 * fresh) / Math.max(1, all))} % of the traffic`;
  });
  return shares.join('; ') || `${state.weight} % of the traffic goes to the new revision`;
}

import type { DeployTarget, Instance, ServiceTarget } from '../../ports/deployer.ts';
import { currentInstances, formerInstances, type Sides } from '../current-instances.ts';
import { writesVolume } from '../deploy-target.ts';
import { evenWeight } from '../record-endpoints.ts';
import { canaryWeights } from './weights.ts';

/** Weights of all that serves while old and new share the traffic, and whether any service shares it. */
export interface Division {
  readonly weights: Readonly<Record<string, number>>;
  readonly divides: boolean;
}

/**
 * Gives the new instances of each changed service a percentage of its traffic; what did not change, or has no counterpart, gets all of
 * its own. Without a percentage each instance gets the same: then their numbers divide the traffic.
 */
export function divided({ target, before }: Sides, observed: readonly Instance[], percent: number | null): Division {
  const fresh = currentInstances(target, observed);
  const isFresh = new Set(fresh.map(({ name }) => name));
  const former = before ? formerInstances(before, observed, target.deployId) : [];
  const old = former.filter(({ name, state }) => !isFresh.has(name) && state === 'running');
  const weights: Record<string, number> = {};
  let divides = false;
  for (const service of new Set([...old, ...fresh].map((each) => each.service))) {
    const news = fresh.filter((each) => each.service === service);
    const olds = old.filter((each) => each.service === service);
    const shares = news.length > 0 && olds.length > 0;
    const weight =
      shares && percent !== null
        ? canaryWeights(percent, olds.length, news.length)
        : { old: evenWeight, new: evenWeight };
    for (const { name } of olds) weights[name] = weight.old;
    for (const { name } of news) weights[name] = weight.new;
    divides ||= shares && isRouted(target, service);
  }
  return { weights, divides };
}

/**
 * How many new instances of each service there are beside the old ones for them to get about a percentage of the traffic, where only
 * numbers divide it: one at least, and no more than the service is to have.
 */
export function sharesByNumber(
  { target, before }: Sides,
  observed: readonly Instance[],
  percent: number,
): Readonly<Record<string, number>> {
  const former = before ? formerInstances(before, observed, target.deployId) : [];
  const isSame = new Set(target.services.map(({ service, hash }) => `${service.name} ${hash}`));
  const shared = target.services.filter(canStandBeside).flatMap(({ service }): [string, number][] => {
    const { name, replicas } = service;
    const olds = former.filter((each) => each.service === name && each.state === 'running');
    // What did not change is not new, and what has no counterpart shares with nobody.
    if (olds.length === 0 || olds.some((each) => isSame.has(`${name} ${each.hash}`))) return [];
    const wanted = Math.ceil((percent * olds.length) / Math.max(1, 100 - percent));
    return [[name, Math.min(replicas, Math.max(1, wanted))]];
  });
  return Object.fromEntries(shared);
}

function isRouted({ services }: DeployTarget, name: string): boolean {
  return services.some(({ service }) => service.name === name && service.ports.length > 0);
}

/**
 * What is not started before a promotion: a worker or an inner service would take work that no weight divides, and a writer of a
 * volume would take the old one's place. Only where the old one runs: something new stands beside nothing.
 */
export function heldBack({ target, before }: Sides, observed: readonly Instance[]): Readonly<Record<string, number>> {
  const former = before ? formerInstances(before, observed, target.deployId) : [];
  const runs = new Set(former.map(({ service }) => service));
  const held = target.services.filter((wanted) => runs.has(wanted.service.name) && !canStandBeside(wanted));
  return Object.fromEntries(held.map(({ service }) => [service.name, 0]));
}

function canStandBeside({ service }: ServiceTarget): boolean {
  return service.ports.length > 0 && !writesVolume(service);
}

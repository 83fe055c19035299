import type { Instance } from '../../ports/deployer.ts';
import { currentInstances, formerInstances, type Sides } from '../current-instances.ts';

/** What serves in the middle of a rolling deploy, and what of the old instances makes room or has to come back for it. */
export interface Mixture {
  readonly serving: readonly Instance[];
  /** Old ones that run and serve no more. */
  readonly leaving: readonly Instance[];
  /** Old ones that are to serve and were stopped. */
  readonly missing: readonly Instance[];
}

/** What changes next: so many instances of a service begin to serve, or its old ones make room for so many more. */
export type Turn =
  | { readonly service: string; readonly entering: number }
  | { readonly service: string; readonly room: number };

/** New instances that serve already, or whose turn it is, and as many old ones as these do not make up for. */
export function mixture({ target, before }: Sides, observed: readonly Instance[], turn: Turn | null): Mixture {
  const current = currentInstances(target, observed);
  const fresh = target.services.flatMap(({ service }) => {
    const mine = current.filter((each) => each.service === service.name);
    return turn && 'entering' in turn && turn.service === service.name
      ? mine.slice(0, turn.entering)
      : mine.filter(({ named }) => named);
  });
  const isFresh = new Set(fresh.map(({ name }) => name));
  const former = before ? formerInstances(before, observed, target.deployId) : [];
  const [serving, leaving, missing]: [Instance[], Instance[], Instance[]] = [[...fresh], [], []];
  for (const [service, olds] of Map.groupBy(former, (each) => each.service)) {
    const wanted = target.services.find((each) => each.service.name === service)?.service.replicas;
    const room = turn && 'room' in turn && turn.service === service ? turn.room : 0;
    const ready = fresh.filter((each) => each.service === service).length + room;
    const isDone = wanted !== undefined && ready >= wanted;
    const others = olds.filter(({ name }) => !isFresh.has(name));
    // Those that run stay first: nothing is stopped and another one started for it.
    const ordered = others.toSorted((a, b) => Number(b.state === 'running') - Number(a.state === 'running'));
    const kept = ordered.slice(0, isDone ? 0 : Math.max(0, olds.length - ready));
    serving.push(...kept.filter(({ state }) => state === 'running'));
    missing.push(...kept.filter(({ state }) => state !== 'running'));
    leaving.push(...ordered.filter((each) => !kept.includes(each) && each.state === 'running'));
  }
  return { serving, leaving, missing };
}

/** How traffic moves from what serves to a new revision. One for all services of a deploy: they change over together. */
export type Strategy =
  /** Everything new is healthy before anything moves, then all moves at once. What was before is kept warm for a while. */
  | { readonly kind: 'blue_green'; readonly keepWarmMs: number }
  /** Replicas one after another, as each service's `update` says. */
  | { readonly kind: 'rolling' }
  /** A part of the traffic first, in steps. */
  | { readonly kind: 'canary'; readonly steps: readonly CanaryStep[]; readonly keepWarmMs: number };

export type StrategyKind = Strategy['kind'];

export interface CanaryStep {
  /** Percent of the traffic for the new revision, 1 to 99. */
  readonly weight: number;
  /** How long it is watched before the next step; null: until somebody promotes it. */
  readonly pauseMs: number | null;
}

/** How one service's replicas are replaced under a rolling strategy: Compose's `deploy.update_config`. */
export interface UpdateSettings {
  /** Replicas at a time; 0: all. */
  readonly parallelism: number;
  readonly delayMs: number;
  readonly order: 'start-first' | 'stop-first';
  readonly failureAction: 'rollback' | 'pause' | 'continue';
  /** How long a new replica is watched after it was updated; null: as the environment says. */
  readonly monitorMs: number | null;
}

export const defaultStrategy: Strategy = { kind: 'blue_green', keepWarmMs: 0 };
export const defaultUpdate: UpdateSettings = {
  parallelism: 1,
  delayMs: 0,
  order: 'start-first',
  failureAction: 'rollback',
  monitorMs: null,
};
export const defaultCanarySteps: readonly CanaryStep[] = [{ weight: 10, pauseMs: null }];

/** Where a canary stands. Written by the executing deploy alone. */
export interface CanaryState {
  /** Index into the strategy's steps. */
  readonly step: number;
  /** Percent that the new revision gets now. */
  readonly weight: number;
  readonly since: Date;
  /** Waits for somebody. */
  readonly paused: boolean;
}

/** What a person asked of a canary: the next step, all at once, or to stay where it is. An abort is the deploy's cancel. */
export type CanaryRequest = 'promote' | 'promote_all' | 'pause';

/** Where a canary stands at a step of its strategy; beyond the last one it is promoted. */
export function canaryAt(steps: readonly CanaryStep[], step: number, at: Date): CanaryState {
  const { weight = 100, pauseMs = 0 } = steps[step] ?? {};
  return { step: Math.min(step, steps.length), weight, since: at, paused: pauseMs === null };
}

/** Whether all steps have been taken, so that everything may go to the new revision. */
export function isPromoted(steps: readonly CanaryStep[], { step }: CanaryState): boolean {
  return step >= steps.length;
}

/** What becomes of a canary by what is asked of it, or by time when nothing is. The same state when nothing changes. */
export function advanceCanary(
  steps: readonly CanaryStep[],
  state: CanaryState,
  request: CanaryRequest | null,
  at: Date,
): CanaryState {
  if (request === 'promote_all') return canaryAt(steps, steps.length, at);
  if (request === 'promote') return canaryAt(steps, state.step + 1, at);
  if (request === 'pause') return { ...state, paused: true };
  const pauseMs = steps[state.step]?.pauseMs ?? null;
  const isOver = !state.paused && pauseMs !== null && at.getTime() >= state.since.getTime() + pauseMs;
  return isOver ? canaryAt(steps, state.step + 1, at) : state;
}

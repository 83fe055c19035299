import { PlatformError } from './error.ts';

/** For each status, the events that may happen and where each leads. */
export type Transitions<Status extends string, Event extends string> = {
  readonly [From in Status]: { readonly [E in Event]?: Status };
};

/** A final status is one that nothing leads out of. */
export function isFinal<Status extends string>(transitions: Transitions<Status, string>, status: Status): boolean {
  return Object.keys(transitions[status]).length === 0;
}

/** The status that follows. Throws `state_transition_invalid` (a conflict) when the table has no such edge. */
export function nextStatus<Status extends string, Event extends string>(
  transitions: Transitions<Status, Event>,
  status: Status,
  event: Event,
  thing: string,
): Status {
  const next = transitions[status][event];
  if (!next) throw new PlatformError('state_transition_invalid', `Cannot ${event} ${thing}: it is ${status}.`);
  return next;
}

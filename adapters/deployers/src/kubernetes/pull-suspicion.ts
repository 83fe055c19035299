import { type Event, type PullTrouble, pullTrouble } from '@eve/adapter-kubernetes';
import type { Suspicion } from './suspicion.ts';

const hints: Readonly<Record<PullTrouble, string>> = {
  denied: 'The registry refused: check the secrets that log in to it.',
  missing: 'The registry does not hold it: was it built and pushed, or removed since?',
  name: 'Give the image as host/repository:tag or with its digest.',
  outage: 'Can the machines of the cluster reach the registry?',
};

/** For a registry that did not answer, the second try is waited for. */
const patienceMs: Readonly<Record<PullTrouble, number>> = { denied: 500, missing: 500, name: 0, outage: 15_000 };

/** What an image that does not come means, by why its container waits; null when it waits for something else. */
export function pullSuspicion(
  service: string,
  image: string,
  waiting: { readonly reason?: string; readonly message?: string },
  events: readonly Event[],
): Suspicion | null {
  const trouble = pullTrouble(waiting, events);
  if (!trouble) return null;
  const { why, said } = trouble;
  const login = events.some((event) => event.reason === 'FailedToRetrieveImagePullSecret');
  return {
    code: 'image_pull_error',
    message: `The image ${image} of ${service} could not be pulled: ${said}`,
    hint: login && why === 'denied' ? `${hints.denied} The namespace does not hold the login itself.` : hints[why],
    patienceMs: patienceMs[why],
  };
}

import type { Event } from './shapes.ts';

/** What an image could not be had for: `outage` may pass. */
export type PullTrouble = 'denied' | 'missing' | 'name' | 'outage';

const reasons = [
  'ErrImagePull',
  'ImagePullBackOff',
  'InvalidImageName',
  'ErrImageNeverPull',
  'ImageInspectError',
  'RegistryUnavailable',
  'SignatureValidationFailed',
];

/** Why a container waits for its image, with the words of the registry or runtime; null when it waits for something else, or has it. */
export function pullTrouble(
  waiting: { readonly reason?: string; readonly message?: string } | undefined,
  events: readonly Event[],
): { readonly why: PullTrouble; readonly said: string } | null {
  const { reason = '', message = '' } = waiting ?? {};
  if (!reasons.includes(reason)) return null;
  const said = wordsOf(message) || saidBefore(events) || reason;
  return { why: whyOf(reason, said), said };
}

function whyOf(reason: string, said: string): PullTrouble {
  if (reason === 'InvalidImageName') return 'name';
  if (/unauthorized|forbidden|denied|authorization failed|no basic auth|\b40[13]\b/i.test(said)) return 'denied';
  // A host whose name is not found may be found later.
  if (/no such host|server misbehaving/i.test(said)) return 'outage';
  return /not found|unknown|does not exist|not present|ErrImageNeverPull|\b404\b/i.test(said) ? 'missing' : 'outage';
}

/** While it waits for the next try, older kubelets say only that it does. */
function saidBefore(events: readonly Event[]): string {
  const failed = events.findLast(({ reason, message }) => reason === 'Failed' && message?.startsWith('Failed to pull'));
  return wordsOf(failed?.message ?? '');
}

/** What the registry or runtime said, without what each layer above it put before. */
function wordsOf(message: string): string {
  return message
    .replace(/^Back-off pulling image "[^"]*"(: ErrImagePull)?(: )?/, '')
    .replace(/^Failed to pull image "[^"]*": /, '')
    .replace(/^rpc error: code = \w+ desc = /, '')
    .replace(/^failed to pull and unpack image "[^"]*": /, '')
    .replace(/^failed to (resolve reference|copy|do request)( "[^"]*")?: /, '')
    .trim();
}

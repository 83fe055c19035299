import {
  type BuildCache,
  type BuildInputs,
  type ErrorDetail,
  isPlatform,
  PlatformError,
  parseImageReference,
  type RetryPolicy,
  retryBounds,
  secretNamesIn,
} from '@eve/domain';
import { longestArgument } from '../manifests/read-build.ts';
import type { Settings } from '../platform.ts';
import { type ImageOwner, projectPrefix } from './image-place.ts';

const longestTimeoutMs = 24 * 3_600_000;

/** Throws `request_invalid` when something is wrong with a request: all of it at once. */
export function refuseWrong(details: readonly ErrorDetail[]): void {
  if (details.length === 0) return;
  const message = details.map((detail) => `${detail.path}: ${detail.message}`).join(' ');
  throw new PlatformError('request_invalid', message, { details });
}

/** Inputs as they are recorded: checked, and without what says nothing, so that equal ones are written alike. */
export function checkInputs(inputs: BuildInputs | null, problems: ErrorDetail[]): BuildInputs | null {
  if (inputs === null) return null;
  const { forceRebuild, tag, buildArgs, platforms, timeoutMs, retryPolicy } = inputs;
  if (tag !== undefined && !/^\w[\w.-]{0,127}$/.test(tag)) {
    problems.push({
      path: 'inputs.tag',
      message: 'Write an image tag: letters, digits, dots, hyphens and underscores.',
    });
  }
  for (const [name, value] of Object.entries(buildArgs ?? {})) checkArgument(name, value, problems);
  for (const platform of (platforms ?? []).filter((name) => !isPlatform(name))) {
    problems.push({
      path: 'inputs.platforms',
      message: `"${platform}" is no platform; write one such as linux/amd64.`,
    });
  }
  if (timeoutMs !== undefined && !isWhole(timeoutMs, 1, longestTimeoutMs)) {
    problems.push({ path: 'inputs.timeout', message: 'Write a length of time up to 24h.' });
  }
  const retry = retryPolicy && checkRetryPolicy(retryPolicy, problems);
  return unlessEmpty({
    ...(forceRebuild && { forceRebuild }),
    ...(tag !== undefined && { tag }),
    ...(Object.keys(buildArgs ?? {}).length > 0 && { buildArgs }),
    ...((platforms ?? []).length > 0 && { platforms: [...new Set(platforms)].sort() }),
    ...(timeoutMs !== undefined && { timeoutMs }),
    ...(retry && { retryPolicy: retry }),
  });
}

function checkArgument(name: string, value: string, problems: ErrorDetail[]): void {
  const path = `inputs.build_args.${name.slice(0, 80)}`;
  if (!/^[A-Za-z_]\w{0,254}$/.test(name)) problems.push({ path, message: 'This is no name of a build argument.' });
  const [secret] = secretNamesIn([value]);
  if (secret !== undefined) {
    problems.push({
      path,
      message: `Build arguments stay in the image; list the secret ${secret} under services.<name>.build.secrets of the manifest and mount it with RUN --mount=type=secret,id=${secret}.`,
    });
  }
  if (Buffer.byteLength(value) > longestArgument)
    problems.push({ path, message: `The value is longer than ${longestArgument} bytes.` });
  if (/\0|\p{Surrogate}/u.test(value))
    problems.push({ path, message: 'The value holds a character that no text may hold.' });
}

function checkRetryPolicy(policy: RetryPolicy, problems: ErrorDetail[]): RetryPolicy | null {
  const { maxRetries, initialDelayMs, maxDelayMs } = policy;
  const path = 'inputs.retry_policy';
  if (maxRetries !== undefined && !isWhole(maxRetries, 0, retryBounds.maxRetries)) {
    problems.push({
      path: `${path}.max_retries`,
      message: `A build is tried again at most ${retryBounds.maxRetries} times; write 0 to ${retryBounds.maxRetries}.`,
    });
  }
  for (const [name, delay] of Object.entries({ initial_delay: initialDelayMs, max_delay: maxDelayMs })) {
    if (delay !== undefined && !isWhole(delay, 1, retryBounds.maxDelayMs)) {
      problems.push({
        path: `${path}.${name}`,
        message: `Write a length of time up to ${retryBounds.maxDelayMs / 1000}s.`,
      });
    }
  }
  if (initialDelayMs !== undefined && maxDelayMs !== undefined && initialDelayMs > maxDelayMs) {
    problems.push({ path, message: 'The first delay is longer than the longest one.' });
  }
  return unlessEmpty({
    ...(maxRetries !== undefined && { maxRetries }),
    ...(initialDelayMs !== undefined && { initialDelayMs }),
    ...(maxDelayMs !== undefined && { maxDelayMs }),
  });
}

/** As `checkInputs`, for the places of layers. What lies in Eve's registry must lie in the project's own part of it. */
export function checkCache(
  cache: BuildCache | null,
  owner: ImageOwner,
  settings: Pick<Settings, 'registryHost'>,
  problems: ErrorDetail[],
): BuildCache | null {
  if (cache === null) return null;
  const from = [...new Set(cache.from)];
  const to = [...new Set(cache.to)];
  for (const place of from) checkPlace('cache.from', place, owner, settings, problems);
  for (const place of to) checkPlace('cache.to', place, owner, settings, problems);
  for (const place of to.filter((it) => it.includes('@'))) {
    problems.push({ path: 'cache.to', message: `"${place}" names a digest, which cannot be written to; name a tag.` });
  }
  return unlessEmpty({
    ...(from.length > 0 && { from }),
    ...(to.length > 0 && { to }),
    ...(cache.disabled && { disabled: true }),
  });
}

function checkPlace(
  path: string,
  place: string,
  owner: ImageOwner,
  { registryHost }: Pick<Settings, 'registryHost'>,
  problems: ErrorDetail[],
): void {
  if (place === 'registry' || place === 'local') return;
  const reference = parseImageReference(place);
  if (!reference || !/^[^/]*[.:][^/]*\/|^localhost\//.test(place)) {
    problems.push({
      path,
      message: `"${place}" is none of registry, local and an image reference with its registry's host.`,
    });
    return;
  }
  const prefix = projectPrefix(owner);
  if (reference.host.toLowerCase() === registryHost?.toLowerCase() && !reference.repository.startsWith(prefix)) {
    problems.push({
      path,
      message: `"${place}" lies outside the project's part of this registry: use ${registryHost}/${prefix}….`,
    });
  }
}

function isWhole(value: number, least: number, most: number): boolean {
  return Number.isInteger(value) && value >= least && value <= most;
}

function unlessEmpty<Value extends object>(value: Value): Value | null {
  return Object.keys(value).length > 0 ? value : null;
}

import { type BuildFailure, type BuildFailurePhase, buildFailure, type RetryClass } from '@eve/domain';
import type { GroupSample } from './control-group.ts';
import { dockerfileFailure, missingFile, missingSecret } from './dockerfile-failure.ts';

/** The step that failed, as the engine told it. */
export interface FailedStep {
  readonly name: string;
  readonly error: string;
  /** Its last lines of output. */
  readonly tail: readonly string[];
}

/** What is known when a build has ended without an image. */
export interface FailureEvidence {
  /** The engine's client, as the message names it. */
  readonly program: string;
  readonly exitCode: number | null;
  readonly failedStep: FailedStep | null;
  /** What the client itself said at the end. */
  readonly said: readonly string[];
  readonly service: string | null;
  /** Whether we ended it ourselves. */
  readonly stopped: boolean;
  /** What its steps used at the end, where the engine is ours. */
  readonly memory: GroupSample | null;
}

const noSpace = /no space left on device|ENOSPC|disk quota exceeded/i;
const memory = /^Killed$|out of memory|oom-kill|cannot allocate memory|signal: killed/i;
const refused =
  /unauthori[sz]ed|denied|authentication required|authorization failed|basic auth credentials|\b40[13]\b|insufficient_scope/i;
const rateLimited = /toomanyrequests|too many requests|\b429\b|rate limit/i;
const unreachable =
  /dial tcp|no such host|connection re(?:fused|set)|i\/o timeout|deadline exceeded|TLS handshake|server misbehaving|network is unreachable|unexpected status|x509:|\b5\d\d\b|EOF/i;
/** What an engine says of a push after the last step. */
const registryAnswer = /error parsing HTTP \d+ response|unexpected HTTP status|(?:manifest|name|blob) unknown/i;
const engineLost =
  /cannot connect to the docker daemon|error during connect|error reading from server|transport is closing|code = Unavailable|failed to (?:dial|list workers)|server preface|closing transport/i;

type More = Partial<Pick<BuildFailure, 'phase' | 'service' | 'step' | 'tail' | 'hint' | 'retryClass'>>;

/** Names the cause by the phase that failed and how it ended; what a step printed decides nothing but memory and disk. */
export function classifyFailure(evidence: FailureEvidence): BuildFailure {
  const { failedStep, service } = evidence;
  if (evidence.stopped)
    return buildFailure('infrastructure_error', 'The build was stopped before it ended.', { phase: 'build', service });
  if (failedStep) return classifyStep(failedStep, evidence);

  const said = clientError(evidence.said);
  const more: More = { phase: 'build', service, tail: evidence.said };
  if (noSpace.test(said)) return diskFull(`The builder's disk is full: ${said}`, more);
  if (engineLost.test(said)) return buildFailure('infrastructure_error', `The build engine was lost: ${said}`, more);
  if (registryAnswer.test(said)) return pushFailure(said, { ...more, phase: 'push' });
  if (evidence.exitCode === null)
    return buildFailure('infrastructure_error', `${evidence.program} was killed before the build ended.`, more);
  return (
    dockerfileFailure(said, more) ??
    buildFailure('build_error', said || `${evidence.program} failed with exit code ${evidence.exitCode}`, more)
  );
}

function classifyStep({ name, error, tail }: FailedStep, evidence: FailureEvidence): BuildFailure {
  const { program, exitCode, service } = evidence;
  const cause = tidyError(error);
  const phase: BuildFailurePhase = /^(?:pushing|exporting) /.test(name) ? 'push' : 'build';
  const more: More = { phase, service, step: name, tail: [...tail.slice(-29), `ERROR: ${cause}`] };
  const ran = /(?:executor failed running|did not complete successfully)[\s\S]*exit code: (\d+)/.exec(error);
  const code = ran ? Number(ran[1]) : (exitCode ?? 1);
  const message = `${program} failed with exit code ${code} at ${name}`;

  if (ran) return ranFailure(code, message, { ...evidence, error, tail }, more);
  if (noSpace.test(error)) return diskFull(message, more);
  if (memory.test(error)) return buildFailure('resource_error', message, more);
  if (engineLost.test(error)) return buildFailure('infrastructure_error', `The build engine was lost at ${name}`, more);
  if (phase === 'push') return pushFailure(error, more);

  const image = baseImageOf(name);
  if (image && /not found/i.test(error) && !refused.test(error)) {
    const hint = 'Check the name and tag in FROM, and that the registry holds the image for this platform.';
    return buildFailure('build_error', `The base image ${image} does not exist.`, { ...more, hint });
  }
  if (image && (refused.test(error) || rateLimited.test(error) || unreachable.test(error)))
    return registryFailure(
      `The registry of the base image ${image} cannot be reached`,
      `The base image ${image} does not exist or needs credentials`,
      error,
      more,
    );
  return (
    missingFile(message, name, error, more) ??
    missingSecret(message, error, more) ??
    buildFailure('build_error', message, more)
  );
}

/** The step's program ran and ended with a code. */
function ranFailure(
  code: number,
  message: string,
  { error, tail, memory: used }: FailedStepOutput & Pick<FailureEvidence, 'memory'>,
  more: More,
): BuildFailure {
  const lastLines = tail.slice(-10);
  if (lastLines.some((line) => noSpace.test(line))) return diskFull(message, more);
  const killed = code === 137 || code === 134;
  const words = [...lastLines, error].some((line) => memory.test(line.trim()));
  if (used?.limitMet && used.limitBytes !== null && (killed || words)) {
    const peak = `${mebibytes(used.usage.peakMemoryBytes)} of ${mebibytes(used.limitBytes)}`;
    const hint = `The step ran out of memory (peak ${peak}): make it use less, or raise \`build.resources.memory\` as far as your organisation may.`;
    return buildFailure('resource_error', `${message}: out of memory, peak ${peak}`, { ...more, hint });
  }
  if (killed && words) return buildFailure('resource_error', message, { ...more, hint: 'The step ran out of memory.' });
  const hint = exitHints[code];
  return buildFailure('build_error', message, { ...more, ...(hint && { hint }) });
}

/** Exit codes that a shell gives a meaning. */
const exitHints: Readonly<Record<number, string>> = {
  126: 'A program of this step is there and may not be executed: check its mode (`RUN chmod +x …`) and its platform.',
  127: 'A program of this step is not in the image: check its name, and that an earlier step installs it.',
};

type FailedStepOutput = Pick<FailedStep, 'error' | 'tail'>;

function diskFull(message: string, more: More): BuildFailure {
  const hint = 'The disk was full: free space on the builder.';
  return buildFailure('resource_error', message, { ...more, hint, retryClass: 'temporary_resource' });
}

function pushFailure(error: string, more: More): BuildFailure {
  return registryFailure('The image could not be pushed', 'The registry refused the push', error, more);
}

/** A registry refused, had enough of us, or was away. */
function registryFailure(away: string, denied: string, error: string, more: More): BuildFailure {
  const cause = tidyError(error);
  if (rateLimited.test(error)) {
    const hint = 'The registry allows only so many requests: wait, or log in with credentials that are allowed more.';
    return buildFailure('registry_error', `${away}: too many requests: ${cause}`, {
      ...{ ...more, hint },
      retryClass: 'registry_rate_limit',
    });
  }
  if (refused.test(error)) return buildFailure('auth_error', `${denied}: ${cause}`, more);
  const retryClass: RetryClass | null = unreachable.test(error) && !/x509:/.test(error) ? 'network' : null;
  return buildFailure('registry_error', `${away}: ${cause}`, { ...more, retryClass });
}

function mebibytes(bytes: number): string {
  return `${Math.ceil(bytes / 1_048_576)} MiB`;
}

function baseImageOf(step: string): string | null {
  return (
    /^\[internal\] load metadata for (\S+)/.exec(step)?.[1] ??
    /^resolve image config for (?:docker-image:\/\/)?(\S+)/.exec(step)?.[1] ??
    /^(?:\[[^\]]+\] )?FROM (\S+)/.exec(step)?.[1] ??
    null
  );
}

/** The client's error line and what follows it, without the layers of wrapping. */
function clientError(said: readonly string[]): string {
  const at = said.findLastIndex((line) => /^(?:ERROR|error): /.test(line));
  return tidyError(said.slice(at < 0 ? -3 : at).join('\n'));
}

/** An engine's error without the prefixes that say nothing. */
export function tidyError(error: string): string {
  const wrapping =
    /^(?:ERROR: |error: |failed to build: |failed to solve: |rpc error: code = \w+ desc = |failed to solve with frontend \S+: |failed to create LLB definition: |failed to load cache key: )/;
  let text = error.trim();
  while (wrapping.test(text)) text = text.replace(wrapping, '');
  return text.replace(/open \/\S*\/buildkit-mount\d+\//, 'open ');
}

import { type BuildFailure, buildFailure } from '@eve/domain';

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
}

const noSpace = /no space left on device|ENOSPC|disk quota exceeded/i;
const memory = /^Killed$|out of memory|oom-kill|cannot allocate memory|signal: killed/i;
const refused =
  /unauthori[sz]ed|denied|authentication required|authorization failed|basic auth credentials|\b40[13]\b|insufficient_scope/i;
const unreachable =
  /dial tcp|no such host|connection re(?:fused|set)|i\/o timeout|deadline exceeded|TLS handshake|server misbehaving|network is unreachable|unexpected status|x509:|\b5\d\d\b|EOF/i;
const engineLost =
  /cannot connect to the docker daemon|error during connect|error reading from server|transport is closing|code = Unavailable|failed to (?:dial|list workers)|server preface|closing transport/i;

/** Names the cause by the phase that failed and how it ended; what a step printed decides nothing but memory and disk. */
export function classifyFailure(evidence: FailureEvidence): BuildFailure {
  const { failedStep, service } = evidence;
  if (evidence.stopped)
    return buildFailure('infrastructure_error', 'The build was stopped before it ended.', { service });
  if (failedStep) return classifyStep(failedStep, evidence);

  const said = clientError(evidence.said);
  const more = { service, tail: evidence.said };
  if (noSpace.test(said)) return buildFailure('resource_error', `The builder's disk is full: ${said}`, more);
  if (engineLost.test(said)) return buildFailure('infrastructure_error', `The build engine was lost: ${said}`, more);
  if (evidence.exitCode === null)
    return buildFailure('infrastructure_error', `${evidence.program} was killed before the build ended.`, more);
  const line = /dockerfile parse error (?:on )?line (\d+): (.*)/is.exec(said);
  if (line) return buildFailure('build_error', `Dockerfile line ${line[1]}: ${line[2]?.trim()}`, more);
  return buildFailure('build_error', said || `${evidence.program} failed with exit code ${evidence.exitCode}`, more);
}

function classifyStep(
  { name, error, tail }: FailedStep,
  { program, exitCode, service }: FailureEvidence,
): BuildFailure {
  const cause = tidyError(error);
  const more = { service, step: name, tail: [...tail.slice(-29), `ERROR: ${cause}`] };
  const ran = /(?:executor failed running|did not complete successfully)[\s\S]*exit code: (\d+)/.exec(error);
  const code = ran ? Number(ran[1]) : (exitCode ?? 1);
  const message = `${program} failed with exit code ${code} at ${name}`;
  const lastLines = tail.slice(-10);

  if (ran) {
    if (lastLines.some((line) => noSpace.test(line))) {
      return buildFailure('resource_error', message, {
        ...more,
        hint: 'The disk was full: free space on the builder.',
      });
    }
    if ((code === 137 || code === 134) && [...lastLines, error].some((line) => memory.test(line.trim()))) {
      return buildFailure('resource_error', message, { ...more, hint: 'The step ran out of memory.' });
    }
    return buildFailure('build_error', message, more);
  }
  if (noSpace.test(error)) return buildFailure('resource_error', message, more);
  if (memory.test(error)) return buildFailure('resource_error', message, more);
  if (engineLost.test(error)) return buildFailure('infrastructure_error', `The build engine was lost at ${name}`, more);

  if (/^(?:pushing|exporting) /.test(name)) {
    if (refused.test(error)) return buildFailure('auth_error', `The registry refused the push: ${cause}`, more);
    return buildFailure('registry_error', `The image could not be pushed: ${cause}`, more);
  }
  const image = baseImageOf(name);
  if (image && /not found/i.test(error) && !refused.test(error)) {
    const hint = 'Check the name and tag in FROM, and that the registry holds the image for this platform.';
    return buildFailure('build_error', `The base image ${image} does not exist.`, { ...more, hint });
  }
  if (image && refused.test(error))
    return buildFailure('auth_error', `The base image ${image} does not exist or needs credentials: ${cause}`, more);
  if (image && unreachable.test(error))
    return buildFailure('registry_error', `The registry of the base image ${image} cannot be reached: ${cause}`, more);
  return buildFailure('build_error', message, more);
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

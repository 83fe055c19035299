import type { ResolvedPlan } from '../client/plan.ts';
import type { Scratch } from '../client/scratch.ts';
import {
  type BuildTarget,
  buildArgs,
  cacheDestination,
  cacheSource,
  labels,
  output,
  secrets,
} from '../client/values.ts';

export interface BuildxTarget extends BuildTarget {
  /** Null for the engine's own builder, the docker driver. */
  readonly builder: string | null;
  /** The network of RUN steps, such as `host` where the engine has no bridge. */
  readonly network: string | null;
}

/** The whole of what we ask of buildx, as a value a test can read. Secrets go by file, never as a value. */
export function buildxArguments(plan: ResolvedPlan, scratch: Scratch, target: BuildxTarget): string[] {
  const { attestations } = target.capabilities;
  return [
    'build',
    ...(target.builder === null ? [] : [`--builder=${target.builder}`]),
    ...outputs(plan, target),
    '--progress=rawjson',
    `--provenance=${attestations && plan.provenance ? 'mode=max' : 'false'}`,
    ...(attestations && plan.sbomScanner !== null ? [`--sbom=generator=${plan.sbomScanner}`] : []),
    `--file=${plan.dockerfilePath}`,
    ...(plan.target === null ? [] : [`--target=${plan.target}`]),
    ...(plan.platforms.length === 0 ? [] : [`--platform=${plan.platforms.join(',')}`]),
    ...(target.network === null ? [] : [`--network=${target.network}`]),
    ...(plan.noCache ? ['--no-cache'] : []),
    ...plan.cacheFrom.map((cache) => `--cache-from=${cacheSource(cache, target)}`),
    ...plan.cacheTo.map((cache) => `--cache-to=${cacheDestination(cache, target)}`),
    ...buildArgs(plan, target).map((argument) => `--build-arg=${argument}`),
    ...labels(plan).map((label) => `--label=${label}`),
    ...secrets(plan, scratch).map((secret) => `--secret=${secret}`),
    `--metadata-file=${scratch.metadataFile}`,
    '--',
    plan.contextPath,
  ];
}

/** An engine's own builder pushes by itself once it has the image, and knows no further wishes. */
function outputs(plan: ResolvedPlan, target: BuildxTarget): string[] {
  if (target.builder === null)
    return plan.output === 'none' ? ['--output=type=cacheonly'] : ['--push', ...plan.tags.map((tag) => `--tag=${tag}`)];
  const value = output(plan, target);
  return [`--output=${value ?? 'type=cacheonly'}`];
}

import { basename, dirname } from 'node:path';
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

export interface BuildctlTarget extends BuildTarget {
  readonly address: string;
}

/** The whole of what we ask of buildctl, as a value a test can read. Secrets go by file, never as a value. */
export function buildctlArguments(plan: ResolvedPlan, scratch: Scratch, target: BuildctlTarget): string[] {
  const { attestations } = target.capabilities;
  const image = output(plan, target);
  const options: readonly string[] = [
    `filename=${basename(plan.dockerfilePath)}`,
    ...(plan.target === null ? [] : [`target=${plan.target}`]),
    ...(plan.platforms.length === 0 ? [] : [`platform=${plan.platforms.join(',')}`]),
    ...(attestations && plan.provenance ? ['attest:provenance=mode=max'] : []),
    ...(attestations && plan.sbomScanner !== null ? [`attest:sbom=generator=${plan.sbomScanner}`] : []),
    ...buildArgs(plan, target).map((argument) => `build-arg:${argument}`),
    ...labels(plan).map((label) => `label:${label}`),
  ];
  return [
    `--addr=${target.address}`,
    'build',
    '--frontend=dockerfile.v0',
    '--progress=rawjson',
    `--local=context=${plan.contextPath}`,
    `--local=dockerfile=${dirname(plan.dockerfilePath)}`,
    ...options.map((option) => `--opt=${option}`),
    ...(plan.noCache ? ['--no-cache'] : []),
    ...plan.cacheFrom.map((cache) => `--import-cache=${cacheSource(cache, target)}`),
    ...plan.cacheTo.map((cache) => `--export-cache=${cacheDestination(cache, target)}`),
    ...secrets(plan, scratch).map((secret) => `--secret=${secret}`),
    ...(image === null ? [] : [`--output=${image}`]),
    `--metadata-file=${scratch.metadataFile}`,
  ];
}

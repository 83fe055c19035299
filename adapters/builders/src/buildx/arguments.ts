import { join } from 'node:path';
import type { BuilderCapabilities, ImageBuildPlan } from '@eve/operations';

/** The files of one build; all of it goes when the build ends. */
export interface Scratch {
  readonly directory: string;
  readonly configDir: string;
  readonly secretsDir: string;
  readonly metadataFile: string;
}

/** A plan whose paths are resolved and known to lie inside the source. */
export interface ResolvedPlan extends ImageBuildPlan {
  readonly contextPath: string;
  readonly dockerfilePath: string;
}

export interface BuildxTarget {
  /** Null for the engine's own builder, the docker driver. */
  readonly builder: string | null;
  /** The network of RUN steps, such as `host` where the engine has no bridge. */
  readonly network: string | null;
  readonly capabilities: BuilderCapabilities;
}

/** The whole of what we ask of buildx, as a value a test can read. Secrets go by file, never as a value. */
export function buildxArguments(plan: ResolvedPlan, scratch: Scratch, target: BuildxTarget): string[] {
  const rewrite = plan.sourceDateEpoch !== null && target.capabilities.rewriteTimestamps;
  return [
    'build',
    ...(target.builder === null ? [] : [`--builder=${target.builder}`]),
    rewrite ? '--output=type=image,push=true,rewrite-timestamp=true' : '--push',
    '--progress=rawjson',
    `--provenance=${target.capabilities.attestations ? 'mode=max' : 'false'}`,
    `--file=${plan.dockerfilePath}`,
    ...plan.tags.map((tag) => `--tag=${tag}`),
    ...(plan.target === null ? [] : [`--target=${plan.target}`]),
    ...(plan.platforms.length === 0 ? [] : [`--platform=${plan.platforms.join(',')}`]),
    ...(target.network === null ? [] : [`--network=${target.network}`]),
    ...(plan.noCache ? ['--no-cache'] : []),
    ...entries(plan.args).map(([name, value]) => `--build-arg=${name}=${value}`),
    ...(plan.sourceDateEpoch === null ? [] : [`--build-arg=SOURCE_DATE_EPOCH=${plan.sourceDateEpoch}`]),
    ...entries(plan.labels).map(([name, value]) => `--label=${name}=${value}`),
    ...plan.secrets.map(
      ({ id }, index) => `--secret=${field(`id=${id}`)},${field(`src=${secretFile(scratch, index)}`)}`,
    ),
    `--metadata-file=${scratch.metadataFile}`,
    '--',
    plan.contextPath,
  ];
}

/** Where the value of a plan's nth secret lies. */
export function secretFile(scratch: Pick<Scratch, 'secretsDir'>, index: number): string {
  return join(scratch.secretsDir, String(index));
}

/** In a fixed order, so that equal plans give equal arguments. */
function entries(values: Readonly<Record<string, string>>): [string, string][] {
  return Object.entries(values).sort(([a], [b]) => (a < b ? -1 : 1));
}

/** buildx reads the value of --secret as a line of CSV. */
function field(text: string): string {
  return /[",\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

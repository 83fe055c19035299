import { PlatformError } from '@eve/domain';
import type { Builder, BuilderCapabilities, ImageBuildPlan } from '@eve/operations';
import type { ResolvedPlan } from '../client/plan.ts';
import { remembered } from '../client/remembered.ts';
import { buildArgs, labels } from '../client/values.ts';
import type { JobEngine } from './engine.ts';
import { type BuildPod, resources, secretNameOf, secretVolume, shared, variables } from './job.ts';
import { jobBuilds } from './jobs.ts';
import { kanikoProgress } from './kaniko-progress.ts';
import { prepareNamespace } from './namespace.ts';
import { defaults, type JobOptions } from './options.ts';
import { container, literal, place } from './place.ts';
import { awaitSource } from './pod-scripts.ts';
import { sourcePaths } from './source.ts';
import { versionInTag } from './version.ts';

/** Builds with kaniko's executor in a cluster; the image must be one of its `debug` images, which have a shell. */
export function kanikoBuilder(options: JobOptions): Builder {
  const prepared = remembered(() => prepareNamespace(options, 'baseline', null));
  const capabilities = kanikoCapabilities(options);
  const engine: JobEngine = {
    name: 'kaniko',
    capabilities: async () => capabilities,
    prepare: () => prepared(''),
    pod: (plan) => kanikoPod(plan, options),
    openProgress: kanikoProgress,
    source: { container: container.source, shell: ['/busybox/sh', '-c'] },
    progress: 'log',
    memoryLimit: () => null,
  };
  return jobBuilds(options, engine);
}

function kanikoCapabilities({ image }: Pick<JobOptions, 'image'>): BuilderCapabilities {
  return {
    version: versionInTag(image) ?? 'unknown',
    buildkit: null,
    platforms: [process.arch === 'arm64' ? 'linux/arm64' : 'linux/amd64'],
    ...{ multiPlatform: false, attestations: false, rewriteTimestamps: false, cacheExport: false },
    limits: true,
  };
}

/** The pod of a build: first the source is taken, then the executor runs as root of its container, and nothing more. */
export function kanikoPod(plan: ResolvedPlan, options: JobOptions): BuildPod {
  refuseSecrets(plan);
  const { image } = options;
  const source = { name: 'source', mountPath: place.source };
  return {
    initContainers: [
      {
        name: container.source,
        image,
        command: ['/busybox/sh', '-c', awaitSource],
        env: variables({ PATH: '/busybox', EVE_SOURCE: place.source, EVE_SOURCE_SECONDS: defaults.sourceSeconds }),
        volumeMounts: [source],
        securityContext: { allowPrivilegeEscalation: false, capabilities: { drop: ['ALL'] } },
        ...resources(plan.limits),
      },
    ],
    container: {
      name: container.build,
      image,
      args: kanikoArguments(plan, options).map(literal),
      volumeMounts: [
        { ...source, readOnly: true },
        { name: 'secrets', mountPath: '/kaniko/.docker', readOnly: true },
      ],
      securityContext: { allowPrivilegeEscalation: false },
      ...resources(plan.limits),
    },
    volumes: [...shared('source'), secretVolume(secretNameOf(plan))],
  };
}

/** The whole of what we ask of the executor. The digest of what it pushes goes where the pod's status shows it. */
export function kanikoArguments(plan: ResolvedPlan, { insecureHosts = [], image }: JobOptions): string[] {
  const { contextPath, dockerfilePath } = sourcePaths(plan);
  const target = { capabilities: kanikoCapabilities({ image }), insecureHosts, group: null };
  return [
    `--context=dir://${contextPath}`,
    `--dockerfile=${dockerfilePath}`,
    ...(plan.output === 'none' ? ['--no-push'] : plan.tags.map((tag) => `--destination=${tag}`)),
    ...(plan.target === null ? [] : [`--target=${plan.target}`]),
    ...plan.platforms.map((platform) => `--custom-platform=${platform}`),
    ...buildArgs(plan, target).map((argument) => `--build-arg=${argument}`),
    ...labels(plan).map((label) => `--label=${label}`),
    ...insecureHosts.filter((host) => host !== '*').map((host) => `--insecure-registry=${host}`),
    '--digest-file=/dev/termination-log',
    '--log-format=json',
  ];
}

function refuseSecrets({ service, secrets }: Pick<ImageBuildPlan, 'service' | 'secrets'>): void {
  if (secrets.length === 0) return;
  throw new PlatformError(
    'engine_capability_missing',
    `Service ${service} has build secrets; kaniko passes none to a step. Use a BuildKit builder.`,
  );
}

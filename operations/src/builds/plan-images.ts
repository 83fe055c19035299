import {
  BuildFailed,
  type BuildFailure,
  type BuildRun,
  type BuildSpec,
  buildableServices,
  buildFailure,
  type ImagePlace,
  type Manifest,
  type Service,
} from '@eve/domain';
import type { Settings } from '../platform.ts';
import type { ImageBuildPlan, RegistryLogin } from '../ports/builder.ts';
import type { Workspace } from '../ports/source.ts';
import { type ImageOwner, imagePlace, renderImage } from './image-place.ts';

/** One image to build, with where it is going to stand. */
export interface PlannedImage {
  readonly plan: ImageBuildPlan;
  readonly place: ImagePlace;
  readonly tags: readonly string[];
}

interface Inputs {
  readonly spec: BuildSpec;
  readonly run: BuildRun;
  readonly manifest: Manifest;
  readonly workspace: Workspace;
  readonly owner: ImageOwner;
  readonly settings: Settings;
  readonly logins: readonly RegistryLogin[];
  readonly secrets: Readonly<Record<string, string>>;
  readonly missingSecrets: readonly string[];
  readonly limits: ImageBuildPlan['limits'];
}

/** Plans one image per requested service. Throws BuildFailed with guidance when there is nothing that could be built. */
export async function planImages(inputs: Inputs): Promise<readonly PlannedImage[]> {
  const { spec, manifest } = inputs;
  const services = buildableServices(manifest).filter(
    ({ name }) => spec.services === null || spec.services.includes(name),
  );
  if (services.length === 0) {
    throw new BuildFailed(
      buildFailure('build_error', 'The build would make no image: no service of the manifest has "build".', {
        hint: 'Give at least one service a `build` with a context and a Dockerfile, or deploy ready-made images without a build.',
      }),
    );
  }
  const { missingSecrets } = inputs;
  if (missingSecrets.length > 0) {
    throw new BuildFailed(
      buildFailure('build_error', `Build secrets that are not set: ${missingSecrets.join(', ')}.`, {
        hint: `Set each with \`eve secrets set ${missingSecrets[0]} -\`, then build again.`,
      }),
    );
  }
  const problems = (await Promise.all(services.map((service) => problemOf(service, inputs.workspace)))).filter(
    (found) => found !== null,
  );
  const [first] = problems;
  if (first) {
    throw new BuildFailed(
      problems.length === 1 ? first : { ...first, message: problems.map(({ message }) => message).join(' ') },
    );
  }
  return services.map((service) => planImage(service, inputs));
}

async function problemOf({ name, build }: Service, workspace: Workspace): Promise<BuildFailure | null> {
  if (!build) return null;
  if ((await workspace.kindOf(build.context)) !== 'directory') {
    return buildFailure(
      'build_error',
      `The build context "${build.context}" of service ${name} is not a directory in this commit.`,
      {
        service: name,
        hint: `Correct services.${name}.build.context in .eve/manifest.yaml, or commit the directory.`,
      },
    );
  }
  if ((await workspace.kindOf(build.dockerfile)) !== 'file') {
    return buildFailure(
      'build_error',
      `There is no Dockerfile "${build.dockerfile}" for service ${name} in this commit.`,
      {
        service: name,
        hint: `Add the file, or name another one under services.${name}.build.dockerfile.`,
      },
    );
  }
  return null;
}

function planImage(
  service: Service,
  { spec, run, manifest, workspace, owner, settings, logins, secrets, limits }: Inputs,
): PlannedImage {
  const build = service.build as NonNullable<Service['build']>;
  const place = imagePlace(manifest, service, owner, settings);
  if (place.registry === 'eve' && !settings.registryHost) {
    const message = `Service ${service.name} has no registry to be pushed to: Eve runs none here, so set \`registry\` in the manifest.`;
    throw new BuildFailed(buildFailure('registry_error', message, { service: service.name }));
  }
  const tags = [
    ...(spec.gitSha ? [`sha-${spec.gitSha}`] : []),
    ...(settings.localSources ? ['local'] : []),
    ...(spec.inputs?.tag ? [spec.inputs.tag] : []),
  ];
  return {
    place,
    tags,
    plan: {
      name: `${run.id}-${run.attempt}-${service.name}`,
      runId: run.id,
      service: service.name,
      sourceDir: workspace.directory,
      context: build.context,
      dockerfile: build.dockerfile,
      target: build.target,
      args: { ...build.args, ...spec.inputs?.buildArgs },
      // Nothing of the commit: a service that a commit does not touch keeps its digest, and so its running instances.
      labels: { 'org.opencontainers.image.title': service.name },
      platforms: spec.inputs?.platforms ?? build.platforms,
      tags: tags.map((tag) => renderImage(settings, place, tag)),
      secrets: build.secrets.flatMap((id) => (secrets[id] === undefined ? [] : [{ id, value: secrets[id] }])),
      logins,
      sourceDateEpoch: Math.floor(workspace.commitTime.getTime() / 1000),
      noCache: Boolean(spec.cache?.disabled || spec.inputs?.forceRebuild),
      limits,
    },
  };
}

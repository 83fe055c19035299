import {
  type BuildArtifact,
  BuildFailed,
  type BuildFailure,
  type BuildTest,
  buildFailure,
  type ImagePlace,
  type Service,
} from '@eve/domain';
import type { Settings } from '../platform.ts';
import type { ImageBuildPlan } from '../ports/builder.ts';
import type { Workspace } from '../ports/source.ts';
import { platformsOf } from './asked-capabilities.ts';
import type { BuildContext } from './build-context.ts';
import { cacheLocations } from './cache-locations.ts';
import { imagePlace, renderImage } from './image-place.ts';
import { describeTest, type TestStage, testPlanName, testStage } from './test-stage.ts';

const dockerfileLimit = 1024 * 1024;

/** One image to build, with where it is going to stand and what must pass before it is pushed. */
export interface PlannedImage {
  readonly plan: ImageBuildPlan;
  readonly place: ImagePlace;
  readonly tags: readonly string[];
  readonly test: PlannedTest | null;
}

/** A build of its own, without an image, on the same layers. */
export interface PlannedTest {
  readonly plan: ImageBuildPlan;
  /** The stage whose steps are the test, and one that has another name in it. */
  readonly stage: TestStage;
  /** For people. */
  readonly description: string;
}

/** Plans one image per requested service. Throws BuildFailed with guidance when there is nothing that could be built. */
export async function planImages(
  context: BuildContext,
  workspace: Workspace,
  settings: Settings,
): Promise<readonly PlannedImage[]> {
  const { services, missingSecrets } = context;
  if (services.length === 0) {
    throw new BuildFailed(
      buildFailure('build_error', 'The build would make no image: no service of the manifest has "build".', {
        hint: 'Give at least one service a `build` with a context and a Dockerfile, or deploy ready-made images without a build.',
      }),
    );
  }
  if (missingSecrets.length > 0) {
    throw new BuildFailed(
      buildFailure('build_error', `Build secrets that are not set: ${missingSecrets.join(', ')}.`, {
        hint: `Set each with \`eve secrets set ${missingSecrets[0]} -\`, then build again.`,
      }),
    );
  }
  const problems = (await Promise.all(services.map((service) => problemOf(service, workspace)))).filter(
    (found) => found !== null,
  );
  const [first] = problems;
  if (first) {
    throw new BuildFailed(
      problems.length === 1 ? first : { ...first, message: problems.map(({ message }) => message).join(' ') },
    );
  }
  return Promise.all(services.map((service) => planImage(service, context, workspace, settings)));
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

async function planImage(
  service: Service,
  context: BuildContext,
  workspace: Workspace,
  settings: Settings,
): Promise<PlannedImage> {
  const { spec, run, manifest, owner, logins, secrets, capabilities } = context;
  const build = service.build as NonNullable<Service['build']>;
  const place = imagePlace(manifest, service, owner, settings);
  if (place.registry === 'eve' && !settings.registryHost) {
    const message = `Service ${service.name} has no registry to be pushed to: Eve runs none here, so set \`registry\` in the manifest.`;
    throw new BuildFailed(buildFailure('registry_error', message, { phase: 'plan', service: service.name }));
  }
  const tags = [
    ...(spec.gitSha ? [`sha-${spec.gitSha}`] : []),
    ...(settings.localSources ? ['local'] : []),
    ...(spec.inputs?.tag ? [spec.inputs.tag] : []),
  ];
  const { cacheExport, attestations } = capabilities;
  const cache = cacheLocations({ cache: spec.cache, manifest, owner, service: service.name, settings, cacheExport });
  const plan: ImageBuildPlan = {
    name: `${run.id}-${run.attempt}-${service.name}`,
    runId: run.id,
    service: service.name,
    organisation: owner.organisation,
    project: owner.project,
    output: 'push',
    sourceDir: workspace.directory,
    context: build.context,
    dockerfile: build.dockerfile,
    dockerfileText: null,
    target: build.target,
    args: { ...build.args, ...spec.inputs?.buildArgs },
    // Nothing of the commit: a service that a commit does not touch keeps its digest, and so its running instances.
    labels: { 'org.opencontainers.image.title': service.name },
    platforms: platformsOf(spec, service),
    tags: tags.map((tag) => renderImage(settings, place, tag)),
    secrets: build.secrets.flatMap((id) => (secrets[id] === undefined ? [] : [{ id, value: secrets[id] }])),
    logins,
    sourceDateEpoch: Math.floor(workspace.commitTime.getTime() / 1000),
    noCache: Boolean(spec.cache?.disabled || spec.inputs?.forceRebuild),
    cacheFrom: cache.from,
    cacheTo: cache.to,
    provenance: attestations,
    sbomScanner: attestations ? settings.sbomScanner : null,
    limits: context.limits.services[service.name] ?? { memoryBytes: null, cpus: null },
  };
  if (context.originals) return { place, tags: [], test: null, plan: again(plan, context.originals) };
  if (build.test === null) return { place, tags, test: null, plan };
  const test = await planTest(plan, build.test, workspace);
  // The test's build has just made the image's layers anew: what is pushed is what was tested.
  const tested = test.plan.dockerfileText !== null;
  return { place, tags, test, plan: { ...plan, noCache: plan.noCache && !tested } };
}

/** To compare: without any cache, under no name, and with what shapes the manifest as it was. */
function again(plan: ImageBuildPlan, originals: readonly BuildArtifact[]): ImageBuildPlan {
  const original = originals.find(({ serviceName }) => serviceName === plan.service);
  return {
    ...plan,
    output: 'push-by-digest',
    noCache: true,
    cacheFrom: [],
    cacheTo: [],
    provenance: Boolean(original?.provenanceRef),
    sbomScanner: null,
  };
}

async function planTest(plan: ImageBuildPlan, test: BuildTest, workspace: Workspace): Promise<PlannedTest> {
  const bytes = await workspace.readFile(plan.dockerfile, dockerfileLimit);
  const stage = bytes && testStage(Buffer.from(bytes).toString('utf8'), plan.target, test);
  if (!stage) {
    const wanted = 'target' in test ? test.target : (plan.target ?? 'any');
    throw new BuildFailed(
      buildFailure('build_error', `The Dockerfile of service ${plan.service} has no stage "${wanted}" to be tested.`, {
        phase: 'plan',
        service: plan.service,
        hint: `Correct services.${plan.service}.build.test or build.target in .eve/manifest.yaml, or add the stage to ${plan.dockerfile}.`,
      }),
    );
  }
  return {
    stage,
    description: describeTest(test),
    plan: {
      ...plan,
      name: testPlanName(plan.name),
      output: 'none',
      dockerfileText: stage.dockerfileText,
      target: stage.target,
      platforms: plan.platforms.slice(0, 1),
      tags: [],
      cacheTo: [],
      provenance: false,
      sbomScanner: null,
    },
  };
}

import type { Job } from '@eve/adapter-kubernetes';
import type { Builder, BuilderCapabilities } from '@eve/operations';
import { isAtLeast } from '../client/check-plan.ts';
import { classifyFailure } from '../client/failure.ts';
import { parseThread } from '../client/parse-thread.ts';
import type { ProgressEnd } from '../client/progress.ts';
import { remembered } from '../client/remembered.ts';
import { buildkitPod } from './buildkit-pod.ts';
import type { EngineProgress, JobEngine } from './engine.ts';
import { buildJob } from './job.ts';
import { jobBuilds } from './jobs.ts';
import { daemonSettings, podSecurityOf, prepareNamespace } from './namespace.ts';
import type { KubernetesBuildkitOptions } from './options.ts';
import { container } from './place.ts';
import { checkUsable, samplePlan } from './usable.ts';
import { askVersion, versionInTag } from './version.ts';

const shell = ['sh', '-c'];

/** Builds with BuildKit in a cluster: each image in a Job of its own, with a daemon of its own. */
export function kubernetesBuilder(options: KubernetesBuildkitOptions): Builder {
  const settings = daemonSettings(options);
  const parser = parseThread();
  const pod: JobEngine['pod'] = (plan, can) => buildkitPod(plan, can, options, settings.metadata.name);
  // Once a minute, not for every build.
  const prepared = remembered(() => prepareNamespace(options, podSecurityOf(options), settings));
  const checked = remembered(async () => {
    await prepared('');
    const least = capabilitiesOf('0.0', null);
    await checkUsable(options, buildJob(options, 'buildkit', samplePlan, pod(samplePlan, least)));
  });
  const named = options.version ?? versionInTag(options.image);
  let asked: Promise<BuilderCapabilities> | null = null;
  const askImage = () => {
    asked ??= askVersion(options).then(({ version, platform }) => capabilitiesOf(version, platform));
    asked.catch(() => {
      asked = null;
    });
    return asked;
  };

  const engine: JobEngine = {
    name: 'buildkit',
    async capabilities(signal) {
      await checked('', signal);
      return named === null ? askImage() : capabilitiesOf(named, null);
    },
    prepare: () => prepared(''),
    pod,
    openProgress: () => rawProgress(parser.open()),
    source: { container: container.build, shell },
    progress: 'file',
    memoryLimit: daemonMemory,
  };
  return jobBuilds(options, engine);
}

function capabilitiesOf(version: string, platform: string | null): BuilderCapabilities {
  const own = process.arch === 'arm64' ? 'linux/arm64' : 'linux/amd64';
  return {
    version,
    buildkit: version,
    platforms: [platform ?? own],
    multiPlatform: true,
    attestations: isAtLeast(version, 0, 11),
    rewriteTimestamps: isAtLeast(version, 0, 13),
    cacheExport: true,
    limits: true,
  };
}

function rawProgress(parsed: ReturnType<ReturnType<typeof parseThread>['open']>): EngineProgress {
  let known: ProgressEnd = { failedStep: null, said: [] };
  return {
    push: (chunk) => parsed.push(chunk),
    async end() {
      const { events, ...end } = await parsed.end();
      known = end;
      return events;
    },
    failureOf: (ended) => classifyFailure({ ...known, ...ended, program: 'buildctl' }),
  };
}

/** What the daemon's container may use: in it the steps run. */
function daemonMemory({ spec }: Job): number | null {
  const daemon = spec.template.spec.initContainers?.find(({ name }) => name === container.daemon);
  const limit = daemon?.resources?.limits?.memory;
  return limit === undefined || !/^\d+$/.test(limit) ? null : Number(limit);
}

import type { Container } from '@eve/adapter-kubernetes';
import type { BuilderCapabilities } from '@eve/operations';
import { buildctlArguments } from '../buildkit/arguments.ts';
import type { ResolvedPlan } from '../client/plan.ts';
import {
  type BuildPod,
  resources,
  restricted,
  secretNameOf,
  secretVolume,
  shared,
  splitLimits,
  user,
  variables,
} from './job.ts';
import { defaults, type KubernetesBuildkitOptions } from './options.ts';
import { container, literal, metadataFile, place, socket } from './place.ts';
import { build, daemon } from './pod-scripts.ts';
import { sourcePaths } from './source.ts';

/** The pod of a build: BuildKit's daemon beside its client, which alone has the build's secrets. */
export function buildkitPod(
  plan: ResolvedPlan,
  capabilities: BuilderCapabilities,
  options: KubernetesBuildkitOptions,
  configMap: string,
): BuildPod {
  const limits = splitLimits(plan.limits);
  const state = options.stateSize === undefined ? {} : { sizeLimit: options.stateSize };
  return {
    initContainers: [{ ...daemonContainer(options), ...resources(limits.daemon) }],
    container: { ...clientContainer(plan, capabilities, options), ...resources(limits.client) },
    volumes: [
      ...shared('source', 'progress', 'run', 'usage'),
      { name: 'state', emptyDir: state },
      { name: 'config', configMap: { name: configMap } },
      secretVolume(secretNameOf(plan)),
    ],
  };
}

/** A sidecar: it is there before the client starts, and ends after it. */
function daemonContainer(options: KubernetesBuildkitOptions): Container {
  const { privileged = false, unconfined = false, image } = options;
  const own = ['buildkitd', `--config=${place.config}/buildkitd.toml`];
  // A user namespace has no process tree of its own to give: the steps share that of their container.
  const command = privileged ? own : ['rootlesskit', ...own, '--oci-worker-no-process-sandbox'];
  const unconfinedProfiles = {
    seccompProfile: { type: 'Unconfined' },
    appArmorProfile: { type: 'Unconfined' },
  } as const;
  return {
    name: container.daemon,
    image,
    restartPolicy: 'Always',
    command: ['sh', '-c', daemon, 'eve', ...command],
    env: variables({
      ...options.variables,
      EVE_USAGE: place.usage,
      BUILDKIT_STEP_LOG_MAX_SIZE: -1,
      BUILDKIT_STEP_LOG_MAX_SPEED: -1,
      ...(!privileged && { USER: 'user', HOME: '/home/user', XDG_RUNTIME_DIR: '/run/user/1000' }),
    }),
    volumeMounts: [
      { name: 'state', mountPath: place.state },
      { name: 'run', mountPath: place.run },
      { name: 'usage', mountPath: place.usage },
      { name: 'config', mountPath: place.config, readOnly: true },
    ],
    securityContext: privileged
      ? { privileged: true, runAsUser: 0 }
      : { runAsNonRoot: true, runAsUser: user, runAsGroup: user, ...(unconfined && unconfinedProfiles) },
  };
}

function clientContainer(
  plan: ResolvedPlan,
  capabilities: BuilderCapabilities,
  { image, insecureHosts = [] }: KubernetesBuildkitOptions,
): Container {
  const there = { ...plan, ...sourcePaths(plan) };
  const scratch = { directory: place.progress, configDir: place.secrets, secretsDir: place.secrets, metadataFile };
  const target = { address: socket, capabilities, insecureHosts, group: null };
  return {
    name: container.build,
    image,
    command: ['sh', '-c', build, 'eve'],
    args: buildctlArguments(there, scratch, target).map(literal),
    env: variables({
      HOME: '/tmp',
      DOCKER_CONFIG: place.secrets,
      EVE_ADDRESS: socket,
      EVE_SOURCE: place.source,
      EVE_PROGRESS: place.progress,
      EVE_USAGE: place.usage,
      EVE_SOURCE_SECONDS: defaults.sourceSeconds,
      EVE_DAEMON_SECONDS: defaults.daemonSeconds,
      EVE_KEEP_SECONDS: defaults.keepSeconds,
    }),
    volumeMounts: [
      { name: 'source', mountPath: place.source },
      { name: 'progress', mountPath: place.progress },
      { name: 'run', mountPath: place.run },
      { name: 'usage', mountPath: place.usage, readOnly: true },
      { name: 'secrets', mountPath: place.secrets, readOnly: true },
    ],
    securityContext: restricted,
  };
}

import { buildkitBuilder, buildxBuilder } from '@eve/adapter-builders';
import { dockerDeployer } from '@eve/adapter-deployers';
import { dockerEngine } from '@eve/adapter-docker';
import { haproxyRouter } from '@eve/adapter-routers';
import { dockerRunner } from '@eve/adapter-runners';
import type { Log, Platform } from '@eve/operations';
import type { Config } from './config.ts';
import type { BuildkitParts } from './platform.ts';

/** The ports of a platform that build images and run them. */
export type Runtime = Pick<Platform, 'deployer' | 'router' | 'runner' | 'builders'>;

/** The Docker engine, and the programs that go with it. */
export interface DockerParts {
  /** `unix://…` */
  readonly host: string;
  readonly buildx: string;
  readonly haproxy: string;
}

export interface RuntimeOptions {
  readonly config: Config;
  readonly installation: string;
  readonly workDir: string;
  readonly insecureHosts: readonly string[];
  /** For programs that verify certificates. */
  readonly variables: Readonly<Record<string, string>>;
  readonly buildkit: BuildkitParts | null;
  readonly now: () => Date;
  readonly log: Log;
}

const servicePorts = 3_000;

/** Builds and runs on one machine: Docker and HAProxy. */
export function dockerRuntime(
  { host, buildx, haproxy }: DockerParts,
  networkPool: string,
  { config, installation, workDir, insecureHosts, variables, buildkit, now }: RuntimeOptions,
): Runtime {
  const engine = dockerEngine({ socketPath: host });
  const client = { workDir, insecureHosts, variables };
  return {
    builders: {
      buildx: buildxBuilder({ ...client, buildx, dockerHost: host, daemons: buildkit?.daemons ?? null }),
      ...(buildkit && { buildkit: buildkitBuilder({ ...buildkit, ...client }) }),
    },
    deployer: dockerDeployer({
      engine,
      installation,
      now,
      networkPool,
      // Above the ports of services: a container must never take one that a stopped service comes back to.
      ports: {
        from: config.EVE_SERVICE_PORTS_FROM + servicePorts,
        to: config.EVE_SERVICE_PORTS_FROM + 3 * servicePorts,
      },
    }),
    router: haproxyRouter({ dataDir: config.dataDir, program: haproxy }),
    runner: dockerRunner({ engine, installation }),
  };
}

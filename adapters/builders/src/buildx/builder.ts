import { ProgramMissing, startProgram, systemPath, tryProgram } from '@eve/adapter-process';
import { PlatformError } from '@eve/domain';
import type { Builder, BuilderCapabilities, ImageBuildPlan } from '@eve/operations';
import { clientBuilds, type StartedClient } from '../client/builds.ts';
import { checkPlan } from '../client/check-plan.ts';
import { groupName, openControlGroup } from '../client/control-group.ts';
import { anyOrganisation, type Daemons, type DaemonTarget } from '../client/daemon-target.ts';
import { resolvePlan } from '../client/plan.ts';
import { remembered } from '../client/remembered.ts';
import { openScratch, type Scratch, withDockerfile } from '../client/scratch.ts';
import { buildxArguments } from './arguments.ts';
import { parseCapabilities } from './capabilities.ts';

export interface BuildxOptions {
  /** The standalone program, called as `docker-buildx build …`. */
  readonly buildx: string;
  /** The engine's address, such as `unix:///run/docker.sock`. */
  readonly dockerHost: string;
  /** Where the files of running builds lie. */
  readonly workDir: string;
  /** BuildKit daemons to build with instead of the engine's own (remote driver). */
  readonly daemons?: Daemons | null;
  /** The network of RUN steps: `host` where the engine has no bridge. */
  readonly network?: string;
  /** Registries that are spoken to over plain HTTP. */
  readonly insecureHosts?: readonly string[];
  /** Further variables for the program, such as a proxy's. */
  readonly variables?: Readonly<Record<string, string>>;
}

const remote = 'eve';

/** Builds with buildx: the engine's own BuildKit, or a daemon that it is told of. */
export function buildxBuilder(options: BuildxOptions): Builder {
  const daemons = options.daemons ?? null;
  const builder = daemons === null ? null : remote;

  // An engine's own builder is the same for all.
  const ofDaemon = (organisation: string) => (daemons === null ? anyOrganisation : organisation);

  const variables = (scratch: Pick<Scratch, 'directory' | 'configDir'>) => ({
    PATH: systemPath,
    ...options.variables,
    HOME: scratch.directory,
    DOCKER_CONFIG: scratch.configDir,
    DOCKER_HOST: options.dockerHost,
    BUILDX_GIT_INFO: 'false',
    BUILDX_NO_DEFAULT_ATTESTATIONS: '1',
  });

  const buildx = async (scratch: Scratch, args: readonly string[]): Promise<string> => {
    const run = { file: options.buildx, args, env: variables(scratch) };
    const output = await tryProgram(run).catch((error: unknown) => {
      if (!(error instanceof ProgramMissing)) throw error;
      throw new PlatformError('engine_unavailable', 'The program docker-buildx is missing.', { cause: error });
    });
    if (output.code === 0) return output.stdout;
    const said = output.stderr.trim().split('\n').at(-1) ?? '';
    throw new PlatformError('engine_unavailable', `The build engine cannot be used: ${said}`);
  };

  /** The remote builder is described in the configuration of each build, so nothing of it is left behind. */
  const describeBuilder = async (scratch: Scratch, daemon: DaemonTarget | null) => {
    if (daemon) await buildx(scratch, ['create', `--name=${remote}`, '--driver=remote', '--', daemon.address]);
  };

  const capabilities = remembered(async (organisation: string): Promise<BuilderCapabilities> => {
    const daemon = (await daemons?.(organisation)) ?? null;
    await using scratch = await openScratch({ logins: [], secrets: [] }, options.workDir);
    await describeBuilder(scratch, daemon);
    const version = await buildx(scratch, ['version']);
    const inspected = await buildx(scratch, ['inspect', ...(builder ? [builder] : [])]);
    const unusable = /^Error:\s*(.*)$/m.exec(inspected)?.[1] ?? 'it does not answer.';
    if (!/^Status:\s*running$/m.test(inspected))
      throw new PlatformError('engine_unavailable', `The build engine cannot be used: ${unusable}`);
    const { driver: _, ...found } = parseCapabilities(version, inspected);
    return { ...found, limits: Boolean(daemon?.groups) };
  });

  const start = async (plan: ImageBuildPlan): Promise<StartedClient> => {
    const daemon = (await daemons?.(plan.organisation, undefined, plan.project)) ?? null;
    const known = await capabilities(ofDaemon(plan.organisation));
    checkPlan(known, plan);
    const resolved = await resolvePlan(plan);
    await using starting = new AsyncDisposableStack();
    const scratch = starting.use(await openScratch(plan, options.workDir));
    const group = daemon?.groups ? await openControlGroup(daemon.groups, groupName(plan.name), plan.limits) : null;
    if (group) starting.use(group);
    await describeBuilder(scratch, daemon);
    const program = await startProgram({
      file: options.buildx,
      args: buildxArguments(await withDockerfile(resolved, scratch), scratch, {
        builder,
        network: options.network ?? null,
        capabilities: known,
        insecureHosts: options.insecureHosts ?? [],
        group: group?.name ?? null,
      }),
      env: variables(scratch),
      cwd: scratch.directory,
    });
    starting.move();
    return { name: 'docker buildx', program, scratch, group };
  };

  return {
    name: 'buildx',
    capabilities: (signal, organisation = anyOrganisation) => capabilities(ofDaemon(organisation), signal),
    ...clientBuilds(start),
  };
}

import { ProgramMissing, startProgram, systemPath, tryProgram } from '@eve/adapter-process';
import { PlatformError } from '@eve/domain';
import type { Builder, BuilderCapabilities, ImageBuildPlan } from '@eve/operations';
import { z } from 'zod';
import { clientBuilds, type StartedClient } from '../client/builds.ts';
import { checkPlan, isAtLeast } from '../client/check-plan.ts';
import { groupName, openControlGroup } from '../client/control-group.ts';
import { anyOrganisation, type Daemons } from '../client/daemon-target.ts';
import { resolvePlan } from '../client/plan.ts';
import { remembered } from '../client/remembered.ts';
import { openScratch, withDockerfile } from '../client/scratch.ts';
import { buildctlArguments } from './arguments.ts';

export interface BuildkitOptions {
  /** The client of BuildKit. */
  readonly buildctl: string;
  readonly daemons: Daemons;
  /** Where the files of running builds lie. */
  readonly workDir: string;
  /** Registries that are spoken to over plain HTTP. */
  readonly insecureHosts?: readonly string[];
  /** Further variables for the program, such as a proxy's. */
  readonly variables?: Readonly<Record<string, string>>;
}

const Workers = z.array(
  z.object({
    platforms: z.array(z.object({ os: z.string(), architecture: z.string(), variant: z.string().optional() })),
  }),
);

/** Builds with BuildKit itself, through its client. */
export function buildkitBuilder(options: BuildkitOptions): Builder {
  const variables = (scratch: { readonly directory: string; readonly configDir: string }) => ({
    PATH: systemPath,
    ...options.variables,
    HOME: scratch.directory,
    DOCKER_CONFIG: scratch.configDir,
  });

  const ask = async (address: string, args: readonly string[]): Promise<string> => {
    await using scratch = await openScratch({ logins: [], secrets: [] }, options.workDir);
    const env = variables(scratch);
    const run = { file: options.buildctl, args: [`--addr=${address}`, '--timeout=10', ...args], env };
    const output = await tryProgram(run).catch((error: unknown) => {
      if (!(error instanceof ProgramMissing)) throw error;
      throw new PlatformError('engine_unavailable', 'The program buildctl is missing.', { cause: error });
    });
    if (output.code === 0) return output.stdout;
    const said = output.stderr.trim().split('\n').at(-1) ?? '';
    throw new PlatformError('engine_unavailable', `The BuildKit daemon cannot be used: ${said}`);
  };

  const capabilities = remembered(async (organisation: string): Promise<BuilderCapabilities> => {
    const { address, groups } = await options.daemons(organisation);
    const info = await ask(address, ['debug', 'info']);
    const workers = Workers.parse(JSON.parse(await ask(address, ['debug', 'workers', '--format={{json .}}'])));
    const version = /v?(\d+\.\d+[\w.+-]*)/.exec(info)?.[1] ?? 'unknown';
    const platforms = workers.flatMap((worker) =>
      worker.platforms.map(({ os, architecture, variant }) => [os, architecture, variant].filter(Boolean).join('/')),
    );
    return {
      version,
      buildkit: version,
      platforms: [...new Set(platforms)],
      multiPlatform: true,
      attestations: isAtLeast(version, 0, 11),
      rewriteTimestamps: isAtLeast(version, 0, 13),
      cacheExport: true,
      limits: groups !== null,
    };
  });

  const start = async (plan: ImageBuildPlan): Promise<StartedClient> => {
    const { address, groups } = await options.daemons(plan.organisation, undefined, plan.project);
    const known = await capabilities(plan.organisation);
    checkPlan(known, plan);
    const resolved = await resolvePlan(plan);
    await using starting = new AsyncDisposableStack();
    const scratch = starting.use(await openScratch(plan, options.workDir));
    const group = groups === null ? null : await openControlGroup(groups, groupName(plan.name), plan.limits);
    if (group) starting.use(group);
    const target = {
      address,
      capabilities: known,
      insecureHosts: options.insecureHosts ?? [],
      group: group?.name ?? null,
    };
    const program = await startProgram({
      file: options.buildctl,
      args: buildctlArguments(await withDockerfile(resolved, scratch), scratch, target),
      env: variables(scratch),
      cwd: scratch.directory,
    });
    starting.move();
    return { name: 'buildctl', program, scratch, group };
  };

  return {
    name: 'buildkit',
    capabilities: (signal, organisation = anyOrganisation) => capabilities(organisation, signal),
    ...clientBuilds(start),
  };
}

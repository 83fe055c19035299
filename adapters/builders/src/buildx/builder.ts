import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ProgramMissing, type RunningProgram, startProgram, systemPath, tryProgram } from '@eve/adapter-process';
import { buildFailure, isDigest, PlatformError } from '@eve/domain';
import type { BuildEvent, Builder, BuilderCapabilities, ImageBuildPlan, RunnerRef } from '@eve/operations';
import { classifyFailure } from '../failure.ts';
import { type BuildxTarget, buildxArguments, type Scratch } from './arguments.ts';
import { checkCapabilities, parseCapabilities } from './capabilities.ts';
import { parseThread, type ThreadedProgress } from './parse-thread.ts';
import { openScratch, resolvePlan } from './scratch.ts';

export interface BuildxOptions {
  /** The standalone program, called as `docker-buildx build …`. */
  readonly buildx: string;
  /** The engine's address, such as `unix:///run/docker.sock`. */
  readonly dockerHost: string;
  /** Where the files of running builds lie. */
  readonly workDir: string;
  /** The address of a BuildKit daemon to build with instead of the engine's own (remote driver). */
  readonly buildkitAddr?: string;
  /** The network of RUN steps: `host` where the engine has no bridge. */
  readonly network?: string;
  /** Further variables for the program, such as a proxy's. */
  readonly variables?: Readonly<Record<string, string>>;
}

interface Build {
  readonly plan: ImageBuildPlan;
  readonly program: RunningProgram;
  readonly scratch: Scratch & AsyncDisposable;
  readonly progress: ThreadedProgress;
  readonly events: AsyncIterator<BuildEvent>;
  /** Asked for and not yet handed to a follower; kept when one gives up waiting. */
  next: Promise<IteratorResult<BuildEvent>> | null;
  stopped: boolean;
}

const programName = 'docker buildx';
const capabilitiesLastMs = 60_000;

/** Builds with buildx. A build ends with this process, so there is nothing to re-attach to: a later attempt runs on the warm cache. */
export function buildxBuilder(options: BuildxOptions): Builder {
  const builds = new Map<RunnerRef, Promise<Build>>();
  const parser = parseThread();
  const builder = options.buildkitAddr === undefined ? null : 'eve';
  let known: { at: number; capabilities: Promise<BuilderCapabilities> } | null = null;

  const variables = (scratch: Pick<Scratch, 'directory' | 'configDir'>) => ({
    PATH: systemPath,
    ...options.variables,
    HOME: scratch.directory,
    DOCKER_CONFIG: scratch.configDir,
    DOCKER_HOST: options.dockerHost,
    BUILDX_GIT_INFO: 'false',
  });

  const buildx = async (scratch: Scratch, args: readonly string[], signal?: AbortSignal): Promise<string> => {
    const run = { file: options.buildx, args, env: variables(scratch), ...(signal && { signal }) };
    const output = await tryProgram(run).catch((error: unknown) => {
      if (!(error instanceof ProgramMissing)) throw error;
      throw new PlatformError('engine_unavailable', 'The program docker-buildx is missing.', { cause: error });
    });
    if (output.code === 0) return output.stdout;
    const said = output.stderr.trim().split('\n').at(-1) ?? '';
    throw new PlatformError('engine_unavailable', `The build engine cannot be used: ${said}`);
  };

  /** The remote builder is described in the configuration of each build, so nothing of it is left behind. */
  const describeBuilder = async (scratch: Scratch, signal?: AbortSignal) => {
    if (builder && options.buildkitAddr !== undefined)
      await buildx(scratch, ['create', `--name=${builder}`, '--driver=remote', '--', options.buildkitAddr], signal);
  };

  const inspect = async (signal?: AbortSignal): Promise<BuilderCapabilities> => {
    await using scratch = await openScratch({ logins: [], secrets: [] }, options.workDir);
    await describeBuilder(scratch, signal);
    const version = await buildx(scratch, ['version'], signal);
    const inspected = await buildx(scratch, ['inspect', ...(builder ? [builder] : [])], signal);
    const unusable = /^Error:\s*(.*)$/m.exec(inspected)?.[1] ?? 'it does not answer.';
    if (!/^Status:\s*running$/m.test(inspected))
      throw new PlatformError('engine_unavailable', `The build engine cannot be used: ${unusable}`);
    const { driver: _, ...capabilities } = parseCapabilities(version, inspected);
    return capabilities;
  };

  const capabilities = async (signal?: AbortSignal): Promise<BuilderCapabilities> => {
    if (known && performance.now() - known.at < capabilitiesLastMs) return known.capabilities;
    const found = inspect(signal);
    known = { at: performance.now(), capabilities: found };
    found.catch(() => {
      known = null;
    });
    return found;
  };

  const start = async (plan: ImageBuildPlan): Promise<Build> => {
    const target: BuildxTarget = { builder, network: options.network ?? null, capabilities: await capabilities() };
    checkCapabilities(target.capabilities, plan);
    const resolved = await resolvePlan(plan);
    const scratch = await openScratch(plan, options.workDir);
    try {
      await describeBuilder(scratch);
      const program = await startProgram({
        file: options.buildx,
        args: buildxArguments(resolved, scratch, target),
        env: variables(scratch),
        cwd: scratch.directory,
      });
      program.stdin.end();
      program.stdout.resume();
      const progress = parser.open();
      const build = { plan, program, scratch, progress, next: null, stopped: false };
      return Object.assign(build, { events: buildEvents(build) });
    } catch (error) {
      await scratch[Symbol.asyncDispose]();
      throw error;
    }
  };

  return {
    name: 'buildx',
    capabilities,
    async ensure(plan) {
      const running = builds.get(plan.name);
      if (running) await running;
      else {
        const started = start(plan);
        builds.set(plan.name, started);
        await started.catch((error: unknown) => {
          builds.delete(plan.name);
          throw error;
        });
      }
      return plan.name;
    },
    async *follow(ref, _cursor, signal) {
      signal.throwIfAborted();
      const build = await builds.get(ref);
      if (!build) {
        const failure = buildFailure('infrastructure_error', 'The build ended with the worker that ran it.');
        yield { type: 'failed', failure };
        return;
      }
      const aborted = abortOf(signal);
      try {
        for (;;) {
          build.next ??= nextOf(build, () => builds.delete(ref));
          const { value, done } = await Promise.race([build.next, aborted.promise]);
          build.next = null;
          if (done) return;
          if (value.type === 'pushed' || value.type === 'failed') builds.delete(ref);
          yield value;
        }
      } finally {
        aborted.release();
      }
    },
    async stop(ref) {
      const build = await builds.get(ref)?.catch(() => undefined);
      if (!build) return;
      build.stopped = true;
      await build.program.stop();
      if (!build.next) build.program.stderr.resume(); // nobody reads it any more
      await build.scratch[Symbol.asyncDispose]();
      builds.delete(ref);
    },
    list: async () => [...builds.keys()],
  };
}

function nextOf({ events }: Build, forget: () => void): Promise<IteratorResult<BuildEvent>> {
  const next = events.next();
  next.catch(forget); // also when its follower has gone
  return next;
}

type Started = Pick<Build, 'plan' | 'program' | 'scratch' | 'progress' | 'stopped'>;

async function* buildEvents(build: Started): AsyncGenerator<BuildEvent> {
  const { program, progress, scratch, plan } = build;
  try {
    for await (const chunk of program.stderr) yield* await progress.push(chunk as Buffer); // no encoding was set
    const { events, ...evidence } = await progress.end();
    yield* events;
    const { code } = await program.ended;
    if (code === 0 && !build.stopped) {
      yield { type: 'pushed', digest: await pushedDigest(scratch) };
      return;
    }
    const { service } = plan;
    const cause = { ...evidence, program: programName, exitCode: code, service, stopped: build.stopped };
    yield { type: 'failed', failure: classifyFailure(cause) };
  } finally {
    await program.stop();
    await scratch[Symbol.asyncDispose]();
  }
}

/** With --push this is the manifest's digest; without, it would be the image's id. */
async function pushedDigest({ directory }: Scratch): Promise<string> {
  const metadata: unknown = JSON.parse(await readFile(join(directory, 'metadata.json'), 'utf8'));
  const digest = metadata && typeof metadata === 'object' && Reflect.get(metadata, 'containerimage.digest');
  if (typeof digest !== 'string' || !isDigest(digest)) throw new Error('buildx has not told the digest of the image');
  return digest;
}

function abortOf(signal: AbortSignal): { promise: Promise<never>; release(): void } {
  const { promise, reject } = Promise.withResolvers<never>();
  promise.catch(() => {});
  const onAbort = () => reject(signal.reason);
  signal.addEventListener('abort', onAbort, { once: true });
  return { promise, release: () => signal.removeEventListener('abort', onAbort) };
}

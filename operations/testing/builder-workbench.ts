import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { BuildFailed, type BuildFailure } from '@eve/domain';
import type { BuildEvent, Builder, CacheLocation, ImageBuildPlan, Lease } from '@eve/operations';
import { emptyPlan, type Outcome } from './builder-surroundings.ts';

export interface BuilderUnderTest extends AsyncDisposable {
  readonly builder: Builder;
  /** A registry that anybody may push to over plain HTTP, reached alike by us and the engine. */
  readonly registryHost: string;
  /** One that asks for this login. */
  readonly closedRegistry: { readonly host: string; readonly username: string; readonly password: string };
  /** An image with a shell that the engine has or can pull. */
  readonly baseImage: string;
  /** Where the engine's machines reach a registry of a test's own over plain HTTP; a free port of the loopback interface unless said. */
  readonly ownRegistry?: string;
  /** Where layers are to be kept, for an engine that keeps none from one build to the next: a reference for everything. */
  readonly layerCache?: string;
  /** Without the engine itself unless said. */
  readonly measures?: 'steps' | 'steps-and-engine';
  /** How long a stop may take, 2 s unless said. */
  readonly stopMs?: number;
  /** Whether a plan may keep layers in a directory of the machine; it may unless said. */
  readonly localCaches?: boolean;
}

export type Files = Readonly<Record<string, string>>;

/** What the tests of a builder work with; `engine` is there once they run. */
export interface BuilderBench {
  readonly engine: BuilderUnderTest;
  /** A plan over these files, in which BASE stands for the base image. */
  planOf(files: Files, more?: Partial<ImageBuildPlan>): Promise<ImageBuildPlan>;
  build(plan: ImageBuildPlan, signal?: AbortSignal): Promise<Outcome>;
  test(title: string, run: () => Promise<void>): void;
}

export const lease: Lease = { workId: 'work_01k0000000000000000000000', fence: 1 };

/** Describes one builder; without its engine every test is skipped with the reason. */
export function describeBuilder(
  name: string,
  open: () => Promise<BuilderUnderTest | { missing: string }>,
  tests: (bench: BuilderBench) => void,
  timeoutMs = 300_000,
): void {
  describe(`the builder ${name}`, { timeout: timeoutMs }, () => {
    let engine: BuilderUnderTest | null = null;
    let missing: string | null = null;
    let directory: string;

    before(async () => {
      const opened = await open();
      if ('missing' in opened) missing = opened.missing;
      else engine = opened;
      directory = await mkdtemp(join(tmpdir(), 'eve-builder-contract-'));
    });
    after(async () => {
      await engine?.[Symbol.asyncDispose]();
      await rm(directory, { recursive: true, force: true });
    });

    let plans = 0;
    const there = () => {
      if (!engine) throw new Error('there is no engine before the tests run');
      return engine;
    };
    tests({
      get engine() {
        return there();
      },
      async planOf(files, more = {}) {
        plans += 1;
        const sourceDir = join(directory, String(plans));
        await mkdir(sourceDir);
        for (const [path, text] of Object.entries(files)) {
          await mkdir(dirname(join(sourceDir, path)), { recursive: true });
          await writeFile(join(sourceDir, path), text.replaceAll('BASE', there().baseImage));
        }
        const { layerCache } = there();
        const kept: CacheLocation[] = layerCache === undefined ? [] : [{ type: 'registry', reference: layerCache }];
        return {
          name: `plan-${process.pid}-${plans}`,
          ...emptyPlan,
          ...{ cacheFrom: kept, cacheTo: kept },
          sourceDir,
          tags: [`${there().registryHost}/contract/web:${plans}`],
          ...more,
        };
      },
      build: (plan, signal = AbortSignal.timeout(120_000)) => outcomeOf(there().builder, plan, signal),
      test: (title, run) =>
        it(title, async (context) => {
          if (missing) context.skip(missing);
          else await run();
        }),
    });
  });
}

async function outcomeOf(builder: Builder, plan: ImageBuildPlan, signal: AbortSignal): Promise<Outcome> {
  const events: BuildEvent[] = [];
  let failure: BuildFailure | null = null;
  let digest: string | null = null;
  try {
    const ref = await builder.ensure(plan, lease);
    for await (const event of builder.follow(ref, null, signal)) {
      events.push(event);
      if (event.type === 'pushed') digest = event.digest;
      if (event.type === 'failed') failure = event.failure;
    }
    if (builder.survives) await builder.stop(ref);
  } catch (error) {
    if (!(error instanceof BuildFailed)) throw error;
    failure = error.failure;
  }
  const lines = events.flatMap((event) => (event.type === 'log' ? [event.text] : []));
  return { events, lines, digest, failure };
}

import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import type { BuildFailure } from '@eve/domain';
import type { BuildEvent, Builder, ImageBuildPlan } from '@eve/operations';
import { emptyPlan } from '../../../operations/testing/builder-surroundings.ts';
import { lease } from '../../../operations/testing/builder-workbench.ts';
import { type KubernetesBuildkitOptions, kubernetesBuilder } from '../src/index.ts';
import { type BuildNamespace, testBuildNamespace } from './under-cluster-test.ts';

/** What tests of builds in a cluster work with; all of it is there once they run. */
export interface ClusterBench {
  readonly place: BuildNamespace;
  readonly directory: string;
  /** A builder of this namespace, as a process of its own would have it. */
  builder(more?: Partial<KubernetesBuildkitOptions>): Builder;
  /** A plan whose image is the base image, the source and one step more. */
  planOf(script: string, more?: Partial<ImageBuildPlan>): Promise<ImageBuildPlan>;
  follow(builder: Builder, plan: ImageBuildPlan, cursor?: string | null): Promise<BuildEvent[]>;
  /** Why a build fails; null when it does not. */
  failureOf(builder: Builder, plan: ImageBuildPlan): Promise<BuildFailure | null>;
  test(title: string, run: () => Promise<void>): void;
}

/** Describes builds in a namespace of their own; without a cluster every test is skipped with the reason. */
export function describeInCluster(title: string, tests: (bench: ClusterBench) => void): void {
  describe(title, { timeout: 600_000 }, () => {
    let place: BuildNamespace | null = null;
    let missing: string | undefined;
    let directory = '';
    let plans = 0;

    before(async () => {
      const opened = await testBuildNamespace();
      if ('missing' in opened) missing = opened.missing;
      else place = opened;
      directory = await mkdtemp(join(tmpdir(), 'eve-in-cluster-'));
    });
    after(async () => {
      await place?.[Symbol.asyncDispose]();
      await rm(directory, { recursive: true, force: true });
    });

    const there = (): BuildNamespace => {
      if (!place) throw new Error('there is no cluster before the tests run');
      return place;
    };
    const follow: ClusterBench['follow'] = async (builder, { name }, cursor = null) => {
      const events: BuildEvent[] = [];
      for await (const event of builder.follow(name, cursor, AbortSignal.timeout(100_000))) events.push(event);
      return events;
    };
    tests({
      get place() {
        return there();
      },
      get directory() {
        return directory;
      },
      builder: (more) => kubernetesBuilder({ ...there().options, ...more }),
      async planOf(script, more) {
        plans += 1;
        const { test } = there();
        const sourceDir = await mkdtemp(join(directory, 'source-'));
        await writeFile(join(sourceDir, 'Dockerfile'), `FROM ${test.baseImage}\nCOPY . /src\nRUN ${script}\n`);
        const tags = [`${test.registry}/in-cluster/web:${plans}`];
        return { name: `in-cluster-${process.pid}-${plans}`, ...emptyPlan, sourceDir, tags, ...more };
      },
      follow,
      async failureOf(builder, plan) {
        await builder.ensure(plan, lease);
        try {
          const last = (await follow(builder, plan)).at(-1);
          return last?.type === 'failed' ? last.failure : null;
        } finally {
          await builder.stop(plan.name);
        }
      },
      test: (name, run) =>
        it(name, async (context) => {
          if (missing) context.skip(missing);
          else await run();
        }),
    });
  });
}

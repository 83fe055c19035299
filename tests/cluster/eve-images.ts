import { copyFile, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { buildkitBuilder } from '@eve/adapter-builders';
import type { TestCluster } from '@eve/adapter-process/testing';
import type { Builder } from '@eve/operations';
import { testBuildkitd } from '../../adapters/builders/testing/buildkitd.ts';
import { emptyPlan } from '../../operations/testing/builder-surroundings.ts';
import { buildEveImage } from '../../scripts/eve-image.ts';

/** Where the images lie that an Eve in the cluster is started from. */
export interface EveImages {
  readonly eve: { readonly repository: string; readonly digest: string };
  /** With a registry as its program, and an S3 server. */
  readonly tools: string;
}

const lease = { workId: 'work_01k0000000000000000000000', fence: 1 } as const;
const registryProgram = '/usr/bin/docker-registry';

/** Builds them with Eve's own builder and pushes them to the cluster's registry. */
export async function pushEveImages(cluster: TestCluster, s3Program: string): Promise<EveImages> {
  const insecureHosts = [cluster.registry];
  const buildkitd = await testBuildkitd({ mirror: cluster.registry, insecureHosts });
  if ('missing' in buildkitd) throw new Error(buildkitd.missing);
  await using _stopped = buildkitd;
  const workDir = await mkdtemp(join(tmpdir(), 'eve-image-work-'));
  await using _removed = { [Symbol.asyncDispose]: () => rm(workDir, { recursive: true, force: true }) };
  const { daemons, programs } = buildkitd;
  const builder = buildkitBuilder({ buildctl: programs.buildctl, daemons, workDir, insecureHosts });
  const repository = `${cluster.registry}/eve/eve`;
  const tools = `${cluster.registry}/eve/tools:test`;
  const digest = await buildEveImage({
    ...{ builder, tag: `${repository}:test`, baseImage: cluster.baseImage, nodeImage: cluster.nodeImage },
    ...{ say: () => {}, signal: AbortSignal.timeout(280_000) },
  });
  await pushPrograms(builder, { tag: tools, base: cluster.baseImage, programs: [registryProgram, s3Program] });
  return { eve: { repository, digest }, tools };
}

async function pushPrograms(
  builder: Builder,
  { tag, base, programs }: { tag: string; base: string; programs: readonly string[] },
): Promise<void> {
  const sourceDir = await mkdtemp(join(tmpdir(), 'eve-tools-'));
  try {
    await mkdir(join(sourceDir, 'bin'));
    for (const program of programs) await copyFile(program, join(sourceDir, 'bin', basename(program)));
    const entry = JSON.stringify([`/usr/local/bin/${basename(programs[0] ?? '')}`]);
    await writeFile(
      join(sourceDir, 'Dockerfile'),
      `FROM ${base}\nCOPY --chmod=755 bin/ /usr/local/bin/\nENTRYPOINT ${entry}\n`,
    );
    const ref = await builder.ensure({ ...emptyPlan, name: `tools-${process.pid}`, sourceDir, tags: [tag] }, lease);
    for await (const event of builder.follow(ref, null, AbortSignal.timeout(120_000)))
      if (event.type === 'failed') throw new Error(event.failure.message);
  } finally {
    await rm(sourceDir, { recursive: true, force: true });
  }
}

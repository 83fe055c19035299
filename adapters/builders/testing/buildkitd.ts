import { access, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { testEngine } from '@eve/adapter-process/testing';
import { buildxBuilder, type DaemonOptions, type DaemonPrograms, ownDaemons, stopOwnDaemons } from '../src/index.ts';

export interface TestBuildkitd extends AsyncDisposable {
  readonly programs: DaemonPrograms;
  readonly options: DaemonOptions;
  readonly daemons: ReturnType<typeof ownDaemons>;
}

/** The real BuildKit for tests, named by EVE_TEST_BUILDKITD, EVE_TEST_BUILDCTL and EVE_TEST_RUNC. */
export async function testBuildkitPrograms(): Promise<
  { programs: DaemonPrograms; runc: string } | { missing: string }
> {
  const { EVE_TEST_BUILDKITD: buildkitd, EVE_TEST_BUILDCTL: buildctl, EVE_TEST_RUNC: runc } = process.env;
  if (!buildkitd || !buildctl || !runc)
    return { missing: 'EVE_TEST_BUILDKITD, EVE_TEST_BUILDCTL and EVE_TEST_RUNC name no BuildKit' };
  const directory = dirname(buildkitd);
  const programs = { buildkitd, buildctl, runcInGroup: join(directory, 'runc-in-group'), directory };
  for (const path of [...Object.values(programs), runc]) {
    const found = await access(path).then(
      () => true,
      () => false,
    );
    if (!found) return { missing: `${path} does not exist` };
  }
  return { programs, runc };
}

/** Daemons of their own for one test file; disposing stops them and removes what they hold. */
export async function testBuildkitd(
  more: Partial<Pick<DaemonOptions, 'cacheBytes' | 'mirror' | 'insecureHosts' | 'networkPool'>> = {},
): Promise<TestBuildkitd | { missing: string }> {
  const found = await testBuildkitPrograms();
  if ('missing' in found) return found;
  const directory = await mkdtemp(join(tmpdir(), 'eve-buildkitd-'));
  const options: DaemonOptions = {
    ...{ ...found, directory, cacheBytes: 4_000_000_000, mirror: null, insecureHosts: [] },
    ...{ networkPool: '10.219.0.0/16', ...more },
  };
  return {
    programs: found.programs,
    options,
    daemons: ownDaemons(options),
    async [Symbol.asyncDispose]() {
      await stopOwnDaemons(directory, { removeData: true });
      await rm(directory, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}

/** Puts the base image of tests into a registry that stands in for Docker Hub; the engine has it. */
export async function mirrorBaseImage(registryHost: string, name: string, workDir: string): Promise<void> {
  const engine = await testEngine();
  if ('missing' in engine) throw new Error(engine.missing);
  const sourceDir = await mkdtemp(join(tmpdir(), 'eve-base-'));
  const builder = buildxBuilder({ ...engine, workDir });
  const ref = await builder.ensure(
    {
      ...{
        name: `base-${registryHost}`,
        runId: 'brun_01k0000000000000000000000',
        service: 'base',
        organisation: 'test',
      },
      ...{
        sourceDir,
        context: '.',
        dockerfile: 'Dockerfile',
        dockerfileText: `FROM ${name}\n`,
        target: null,
        args: {},
      },
      ...{ labels: {}, platforms: [], tags: [`${registryHost}/library/${name}`], secrets: [], logins: [] },
      ...{ sourceDateEpoch: null, noCache: false, cacheFrom: [], cacheTo: [], provenance: false, sbomScanner: null },
      ...{ output: 'push', limits: { memoryBytes: null, cpus: null } },
    },
    { workId: 'work_01k0000000000000000000000', fence: 1 },
  );
  try {
    for await (const event of builder.follow(ref, null, AbortSignal.timeout(120_000)))
      if (event.type === 'failed') throw new Error(event.failure.message);
  } finally {
    await rm(sourceDir, { recursive: true });
  }
}

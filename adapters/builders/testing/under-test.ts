import assert from 'node:assert/strict';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { testRegistry } from '@eve/adapter-process/testing';
import type { Builder } from '@eve/operations';
import type { BuilderUnderTest } from '../../../operations/testing/builder-workbench.ts';
import type { Daemons } from '../src/index.ts';
import { mirrorBaseImage, testBuildkitd } from './buildkitd.ts';

// letmein
const htpasswd = 'someone:$2y$05$abcdefghijklmnopqrstuuKwWV7ESJpzKzf9FQg57dBvMuv92X9HS\n';
const baseImage = 'debian:12-slim';

/** What the contract test asks of a builder's surroundings: two registries, and no file left behind. */
export async function underTest(open: (options: { workDir: string }) => Builder): Promise<BuilderUnderTest> {
  const registry = await testRegistry();
  const closed = await testRegistry({ htpasswd });
  const workDir = await mkdtemp(join(tmpdir(), 'eve-builds-'));
  return {
    builder: open({ workDir }),
    registryHost: registry.host,
    closedRegistry: { host: closed.host, username: 'someone', password: 'letmein' },
    baseImage,
    async [Symbol.asyncDispose]() {
      await registry[Symbol.asyncDispose]();
      await closed[Symbol.asyncDispose]();
      const left = await readdir(workDir);
      await rm(workDir, { recursive: true, force: true });
      assert.deepEqual(left, []);
    },
  };
}

/** The same with the real BuildKit, for which one of the registries stands in for Docker Hub. */
export async function underBuildkitTest(
  open: (options: { workDir: string; buildctl: string; daemons: Daemons }) => Builder,
): Promise<BuilderUnderTest | { missing: string }> {
  await using starting = new AsyncDisposableStack();
  const registry = starting.use(await testRegistry());
  const buildkitd = await testBuildkitd({ mirror: registry.host });
  if ('missing' in buildkitd) return buildkitd;
  starting.use(buildkitd);
  const { daemons, programs } = buildkitd;
  const tested = await underTest(({ workDir }) => open({ workDir, buildctl: programs.buildctl, daemons }));
  starting.use(tested);
  const scratch = await mkdtemp(join(tmpdir(), 'eve-base-work-'));
  starting.defer(() => rm(scratch, { recursive: true, force: true }));
  await mirrorBaseImage(registry.host, baseImage, scratch);
  const running = starting.move();
  return { ...tested, [Symbol.asyncDispose]: () => running.disposeAsync() };
}

import { execFile } from 'node:child_process';
import { mkdir, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { allProcesses, send } from '@eve/adapter-process';
import { check, type FailureCase, openScene, type Scene } from './scene.ts';

const run = promisify(execFile);
const base = 'FROM debian:12-slim';
const diskBytes = 600 * 1024 ** 2;

const cases: readonly FailureCase[] = [
  {
    name: 'a step takes more memory than the build may',
    manifest: 'services:\n  web:\n    build: { context: ., resources: { memory: 64M } }\n',
    files: { Dockerfile: `${base}\nRUN tail /dev/zero\n` },
    expect: {
      ...{ code: 'resource_error', phase: 'build', retry: false },
      message: /exit code 137 at .*tail \/dev\/zero: out of memory, peak \d+ MiB of 64 MiB/,
      hint: /build\.resources\.memory/,
    },
  },
  {
    name: 'the disk of the builder is full',
    files: { Dockerfile: `${base}\nRUN dd if=/dev/urandom of=/full bs=1M count=2000\n` },
    expect: {
      ...{ code: 'resource_error', phase: 'build', retry: true, retryClass: 'temporary_resource' },
      message: /exit code 1 at .*dd if/,
      hint: /disk/i,
    },
  },
  {
    name: 'the engine is killed in the middle',
    files: { Dockerfile: `${base}\nRUN sleep 600\n` },
    async meanwhile({ client, installation }, { id, build_id: build }) {
      for (let tries = 0; tries < 300; tries += 1, await sleep(100)) {
        const { logs } = await client.buildLogs(build, { run_id: id, tail: 20 });
        if (JSON.stringify(logs).includes('RUN sleep 600')) break;
      }
      const daemons = (await allProcesses()).filter(
        ({ command: [program, ...words] }) =>
          program?.endsWith('/buildkitd') && words.some((word) => word.includes(installation.dataDir)),
      );
      for (const { pid } of daemons) send('SIGKILL', pid);
    },
    expect: {
      ...{ code: 'infrastructure_error', phase: 'build', retry: true },
      message: /engine was lost/,
      hint: /again/,
    },
  },
];

describe('a failed build on an engine of Eve’s own is told for what it is', () => {
  let scene: Scene;
  let mounted: string;
  before(async () => {
    // The engine's state lies on a small disk of its own.
    const beforeStart = async (dataDir: string) => {
      mounted = join(dataDir, 'buildkit');
      const disk = join(dataDir, 'disk.img');
      await mkdir(mounted, { recursive: true });
      await writeFile(disk, '');
      await truncate(disk, diskBytes);
      await run('mkfs.ext4', ['-q', '-F', disk]);
      await run('mount', ['-o', 'loop', disk, mounted]);
    };
    scene = await openScene({ EVE_BUILDKIT: 'auto' }, { beforeStart });
  });
  after(async () => {
    await scene?.installation.stop('--volumes');
    await run('umount', ['--lazy', mounted]);
    await scene?.[Symbol.asyncDispose]();
  });

  for (const one of cases) it(one.name, () => check(scene, one));
});

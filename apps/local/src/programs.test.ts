import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { buildxPackageFile, isRecentBuildx } from './buildx-package.ts';
import { aptInstallArguments, findPrograms, installByHand } from './programs.ts';
import { holdServices } from './service-autostart.ts';

describe('buildx', () => {
  it('is recent enough from 0.13 on', () => {
    assert.equal(isRecentBuildx('github.com/docker/buildx 0.13.1+ds1 0.13.1+ds1-3\n'), true);
    assert.equal(isRecentBuildx('github.com/docker/buildx v1.0.0 abcdef\n'), true);
    assert.equal(isRecentBuildx('github.com/docker/buildx v0.12.9 abcdef\n'), false);
    assert.equal(isRecentBuildx('docker: unknown command'), false);
  });

  it('is pinned by version and checksum for each processor', () => {
    assert.match(buildxPackageFile('x64')?.path ?? '', /_amd64\.deb$/);
    assert.match(buildxPackageFile('arm64')?.path ?? '', /_arm64\.deb$/);
    assert.notEqual(buildxPackageFile('x64')?.sha256, buildxPackageFile('arm64')?.sha256);
    assert.equal(buildxPackageFile('riscv64'), null);
  });
});

describe('installing', () => {
  it('asks apt for exactly the packages, without recommended ones and without questions', () => {
    const args = aptInstallArguments(['haproxy', 'git']);

    assert.ok(args.includes('--no-install-recommends') && args.includes('-y'));
    assert.deepEqual(args.slice(args.indexOf('--')), ['--', 'haproxy', 'git']);
  });

  it('names what a person has to install where Eve may not', () => {
    const text = installByHand([{ name: 'haproxy', debian: 'haproxy', why: 'routes requests' }], 'Only root may.');

    assert.match(text, /^Only root may\. Install these/);
    assert.match(text, /haproxy \(routes requests; on Debian: haproxy\)/);
  });

  it('finds programs of the system by their paths', async () => {
    assert.match((await findPrograms({ cacheDir: '/nonexistent' })).git ?? '', /^\/.*\/git$/);
  });
});

describe('holding services', () => {
  it('puts back the policy that the machine had', async () => {
    await using place = await scratchFile();
    await writeFile(place.file, 'the old policy', { mode: 0o755 });

    {
      await using _held = await holdServices(place.file);
      assert.match(await readFile(place.file, 'utf8'), /exit 101/);
    }

    assert.equal(await readFile(place.file, 'utf8'), 'the old policy');
  });

  it('leaves nothing where nothing was, also after an installation that was killed', async () => {
    await using place = await scratchFile();
    await holdServices(place.file);

    {
      await using _held = await holdServices(place.file);
    }

    await assert.rejects(stat(place.file), { code: 'ENOENT' });
  });

  it('puts back the old policy after an installation that was killed', async () => {
    await using place = await scratchFile();
    await writeFile(place.file, 'the old policy');
    await holdServices(place.file);

    {
      await using _held = await holdServices(place.file);
    }

    assert.equal(await readFile(place.file, 'utf8'), 'the old policy');
  });
});

async function scratchFile(): Promise<AsyncDisposable & { readonly file: string }> {
  const directory = await mkdtemp(join(tmpdir(), 'eve-policy-'));
  return {
    file: join(directory, 'policy-rc.d'),
    [Symbol.asyncDispose]: () => rm(directory, { recursive: true, force: true }),
  };
}

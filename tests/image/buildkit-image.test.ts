import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { buildkitBuilder } from '@eve/adapter-builders';
import { testRegistry } from '@eve/adapter-process/testing';
import { mirrorBaseImage, testBuildkitd } from '../../adapters/builders/testing/buildkitd.ts';
import { buildEveImage } from '../../scripts/eve-image.ts';

const bases = ['debian:12-slim', 'node:24-slim'];

describe('Eve’s own image', { timeout: 600_000 }, () => {
  it('is the same twice, runs as nobody’s root and holds no more than it needs', async (context) => {
    await using registry = await testRegistry();
    const buildkitd = await testBuildkitd({ mirror: registry.host });
    if ('missing' in buildkitd) return context.skip(buildkitd.missing);
    await using _stopped = buildkitd;
    const workDir = await mkdtemp(join(tmpdir(), 'eve-image-work-'));
    await using _removed = { [Symbol.asyncDispose]: () => rm(workDir, { recursive: true, force: true }) };
    for (const base of bases) await mirrorBaseImage(registry.host, base, workDir);
    const { daemons, programs } = buildkitd;
    const builder = buildkitBuilder({ buildctl: programs.buildctl, daemons, workDir });
    const said: string[] = [];
    const build = (name: string, noCache: boolean) =>
      buildEveImage({
        ...{ builder, tag: `${registry.host}/eve/eve:${name}`, noCache },
        ...{ say: (line) => said.push(line), signal: AbortSignal.timeout(280_000) },
      });

    const first = await build('one', false);
    await sleep(1_100); // files have their times in seconds
    const second = await build('two', true);

    assert.equal(second, first, said.slice(-40).join('\n'));
    const { config, history } = await configOf(registry.host, first);
    assert.deepEqual(config.Entrypoint, ['node', '/eve/apps/server/src/main.ts']);
    assert.deepEqual([config.User, config.Cmd, config.WorkingDir], ['10001:10001', ['serve'], '/eve']);
    assert.ok(history.length > 0);
  });
});

interface ImageConfig {
  readonly config: {
    readonly User: string;
    readonly Entrypoint: readonly string[];
    readonly Cmd: readonly string[];
    readonly WorkingDir: string;
  };
  readonly history: readonly object[];
}

async function configOf(host: string, digest: string): Promise<ImageConfig> {
  const accept = 'application/vnd.oci.image.manifest.v1+json, application/vnd.docker.distribution.manifest.v2+json';
  const get = (path: string) => fetch(`http://${host}/v2/eve/eve/${path}`, { headers: { accept } });
  // The documented shapes of a manifest and of an image's configuration.
  const manifest = (await (await get(`manifests/${digest}`)).json()) as {
    readonly config: { readonly digest: string };
  };
  return (await (await get(`blobs/${manifest.config.digest}`)).json()) as ImageConfig;
}

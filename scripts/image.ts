// Builds and pushes Eve's image with Eve's own builder: `node scripts/image.ts --tag registry.example/eve:0.1.0`.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { buildkitBuilder, buildxBuilder, daemonsAt } from '@eve/adapter-builders';
import { readConfig } from '../apps/server/src/config.ts';
import { buildEveImage } from './eve-image.ts';

const help = `node scripts/image.ts --tag <reference> [options]

Builds Eve's image, pushes it and prints its digest: with the Docker engine of DOCKER_HOST and docker-buildx, or with the
BuildKit daemon that EVE_BUILDKIT_ADDR names. Two builds of one commit with BuildKit give the same digest.

  --tag <reference>    where to push it, such as registry.example/eve:0.1.0
  --base <image>       what the image stands on instead of debian:12-slim
  --node <image>       where Node is taken from instead of node:24-slim
  --no-cache           run every step again`;

const { values } = parseArgs({
  options: {
    tag: { type: 'string' },
    base: { type: 'string' },
    node: { type: 'string' },
    'no-cache': { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});
if (values.help || values.tag === undefined) {
  process.stderr.write(`${help}\n`);
  process.exit(values.help ? 0 : 2);
}
const config = readConfig(process.env);
const ending = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => ending.abort(new Error(signal)));
const workDir = await mkdtemp(join(tmpdir(), 'eve-image-work-'));
const insecureHosts = config.EVE_BUILDKIT_INSECURE_REGISTRIES.split(',').filter((host) => host !== '');
const builder = config.EVE_BUILDKIT_ADDR
  ? buildkitBuilder({ buildctl: 'buildctl', daemons: daemonsAt(config.EVE_BUILDKIT_ADDR), workDir, insecureHosts })
  : buildxBuilder({
      ...{ buildx: 'docker-buildx', dockerHost: config.DOCKER_HOST ?? 'unix:///var/run/docker.sock' },
      ...{ workDir, insecureHosts },
    });
try {
  const digest = await buildEveImage({
    builder,
    tag: values.tag,
    baseImage: values.base,
    nodeImage: values.node,
    noCache: values['no-cache'],
    say: (line) => process.stderr.write(`${line}\n`),
    signal: ending.signal,
  });
  process.stdout.write(`${digest}\n`);
} finally {
  await rm(workDir, { recursive: true, force: true });
}

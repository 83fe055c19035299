import { mkdir, mkdtemp, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { pickVariables, runProgram, systemPath } from '@eve/adapter-process';
import {
  buildkitDirectory,
  buildkitModule,
  buildkitVersion,
  findBuildkit,
} from '../../apps/local/src/buildkit-programs.ts';
import { findGo, type ToolOptions } from './go.ts';

const buildkit = 'github.com/moby/buildkit';
const plugins = 'github.com/containernetworking/plugins/plugins';

/** What is built, and the names under which BuildKit looks for the programs of its own network. */
const programs: Readonly<Record<string, string>> = {
  buildkitd: `${buildkit}/cmd/buildkitd`,
  buildctl: `${buildkit}/cmd/buildctl`,
  'buildkit-cni-bridge': `${plugins}/main/bridge`,
  'buildkit-cni-loopback': `${plugins}/main/loopback`,
  'buildkit-cni-host-local': `${plugins}/ipam/host-local`,
  'buildkit-cni-firewall': `${plugins}/meta/firewall`,
  'runc-in-group': './runc-in-group',
};

/** Builds BuildKit's daemon and client, unless that was done before. Answers with the directory that has them. */
export async function ensureBuildkit({ cacheDir, say, signal }: ToolOptions): Promise<string> {
  const place = await buildkitDirectory(cacheDir);
  if (await findBuildkit(cacheDir)) return place;
  const go = await findGo({ cacheDir, say, signal });
  await mkdir(dirname(place), { recursive: true });
  const scratch = await mkdtemp(`${place}-new-`);
  try {
    say(
      `building BuildKit ${buildkitVersion} from source with ${go.version} (pinned by checksum, kept in ${cacheDir})`,
    );
    for (const [name, source] of Object.entries(programs)) {
      const began = Date.now();
      await runProgram({
        file: 'nice',
        args: [
          ...['-n', '10', go.file, 'build', '-trimpath', '-mod=readonly', '-buildvcs=false'],
          ...[
            '-ldflags',
            `-s -w -X ${buildkit}/version.Version=v${buildkitVersion}`,
            '-o',
            join(scratch, name),
            source,
          ],
        ],
        cwd: fileURLToPath(buildkitModule),
        env: { PATH: systemPath, ...pickVariables(process.env, forGo), CGO_ENABLED: '0', GOTOOLCHAIN: 'local' },
        signal,
        onLine: (_, line) => say(`  ${line}`),
      });
      say(`  ${name} ${((Date.now() - began) / 1000).toFixed(1)} s`);
    }
    // Whoever was faster has the same.
    await rename(scratch, place).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'ENOTEMPTY' && error.code !== 'EEXIST') throw error;
    });
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
  if (!(await findBuildkit(cacheDir))) throw new Error(`${place} does not hold every program of BuildKit`);
  return place;
}

/** Where modules come from and are kept is the machine's affair. */
const forGo = [
  ...['HOME', 'XDG_CACHE_HOME', 'GOPATH', 'GOCACHE', 'GOMODCACHE', 'GOPROXY', 'GOSUMDB', 'GONOSUMDB', 'GONOSUMCHECK'],
  ...['GOFLAGS', 'GOENV', 'GOINSECURE', 'GOPRIVATE', 'GONOPROXY', 'HTTP_PROXY', 'HTTPS_PROXY', 'NO_PROXY'],
  ...['http_proxy', 'https_proxy', 'no_proxy', 'SSL_CERT_FILE', 'SSL_CERT_DIR'],
];

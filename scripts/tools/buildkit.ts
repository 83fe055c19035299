import {
  buildkitDirectory,
  buildkitModule,
  buildkitVersion,
  findBuildkit,
} from '../../apps/local/src/buildkit-programs.ts';
import type { ToolOptions } from './go.ts';
import { buildGoPrograms } from './go-programs.ts';

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
  // Lets the daemon run in a pod that is nobody's root.
  rootlesskit: 'github.com/rootless-containers/rootlesskit/v2/cmd/rootlesskit',
};

/** Builds BuildKit's daemon and client, unless that was done before. Answers with the directory that has them. */
export async function ensureBuildkit(options: ToolOptions): Promise<string> {
  const place = await buildkitDirectory(options.cacheDir);
  if (await findBuildkit(options.cacheDir)) return place;
  const what = { title: `BuildKit ${buildkitVersion}`, module: buildkitModule, programs };
  await buildGoPrograms(
    place,
    { ...what, stamps: { [`${buildkit}/version.Version`]: `v${buildkitVersion}` } },
    options,
  );
  if (!(await findBuildkit(options.cacheDir))) throw new Error(`${place} does not hold every program of BuildKit`);
  return place;
}

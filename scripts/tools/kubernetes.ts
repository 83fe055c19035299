import { createHash } from 'node:crypto';
import { access, constants, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ToolOptions } from './go.ts';
import { buildGoPrograms } from './go-programs.ts';

const version = '1.36.3';
const stamp = 'k8s.io/component-base/version';

/** The Go module that pins Kubernetes, etcd and CoreDNS. */
const module = new URL('kubernetes/', import.meta.url);
const programs = { kube: '.', pause: './pause' } as const;

/**
 * Builds all of Kubernetes as one program, `kube`, and `pause`, the first process of every pod, unless that was done
 * before. Answers with the directory that has them. Takes five minutes of two processors and 2.5 GB of memory.
 */
export async function ensureKubernetes(options: ToolOptions): Promise<string> {
  const place = await kubernetesDirectory(options.cacheDir);
  if (await hasPrograms(place)) return place;
  const [major = '', minor = ''] = version.split('.');
  const stamps = {
    [`${stamp}.gitVersion`]: `v${version}`,
    [`${stamp}.gitMajor`]: major,
    [`${stamp}.gitMinor`]: minor,
    [`${stamp}.gitTreeState`]: 'clean',
    [`${stamp}.gitCommit`]: 'unknown',
  };
  await buildGoPrograms(place, { title: `Kubernetes ${version}`, module, programs, stamps }, options);
  if (!(await hasPrograms(place))) throw new Error(`${place} does not hold every program of Kubernetes`);
  return place;
}

/** Where built programs lie: other sources are another directory. */
async function kubernetesDirectory(cacheDir: string): Promise<string> {
  const hash = createHash('sha256');
  for (const file of ['go.mod', 'go.sum', 'main.go', 'pause/main.go'])
    hash.update(await readFile(new URL(file, module)));
  return join(cacheDir, 'tools', `kubernetes-${version}`, hash.digest('hex').slice(0, 12));
}

async function hasPrograms(directory: string): Promise<boolean> {
  const found = Object.keys(programs).map((name) => access(join(directory, name), constants.X_OK));
  return (await Promise.allSettled(found)).every(({ status }) => status === 'fulfilled');
}

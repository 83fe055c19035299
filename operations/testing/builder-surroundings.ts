import { readdir, readFile } from 'node:fs/promises';
import type { ImageBuildPlan } from '@eve/operations';

/** A plan that asks for nothing special. */
export const emptyPlan: Omit<ImageBuildPlan, 'name' | 'sourceDir' | 'tags'> = {
  runId: 'brun_01k0000000000000000000000',
  service: 'web',
  context: '.',
  dockerfile: 'Dockerfile',
  target: null,
  args: {},
  labels: {},
  platforms: [],
  secrets: [],
  logins: [],
  sourceDateEpoch: null,
  noCache: false,
  limits: { memoryBytes: null, cpus: null },
};

/** The digest that a registry holds under `host/repository:tag`. */
export async function digestOf(reference: string): Promise<string | null> {
  const [, host, repository, tag] = /^([^/]+)\/(.*):([^:]+)$/.exec(reference) ?? [];
  const accept = ['application/vnd.oci.image.index.v1+json', 'application/vnd.oci.image.manifest.v1+json'];
  accept.push('application/vnd.docker.distribution.manifest.v2+json');
  const response = await fetch(`http://${host}/v2/${repository}/manifests/${tag}`, {
    method: 'HEAD',
    headers: { accept: accept.join(', ') },
  });
  return response.headers.get('docker-content-digest');
}

/** The command lines of other processes of this machine that have a text in them. */
export async function processesWith(text: string): Promise<string[]> {
  const found: string[] = [];
  for (const name of await readdir('/proc')) {
    if (!/^\d+$/.test(name) || Number(name) === process.pid) continue;
    const line = await readFile(`/proc/${name}/cmdline`, 'utf8').catch(() => '');
    if (line.includes(text)) found.push(line);
  }
  return found;
}

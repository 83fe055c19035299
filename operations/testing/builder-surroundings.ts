import { readdir, readFile } from 'node:fs/promises';
import type { BuildFailure } from '@eve/domain';
import type { BuildEvent, ImageBuildPlan } from '@eve/operations';

/** All that came of one build. */
export interface Outcome {
  readonly events: BuildEvent[];
  readonly lines: string[];
  readonly digest: string | null;
  readonly failure: BuildFailure | null;
}

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

/** The states that the steps of this name went through. */
export function statesOf({ events }: Outcome, step: RegExp): string[] {
  return events.flatMap((event) => (event.type === 'step' && step.test(event.name) ? [event.state] : []));
}

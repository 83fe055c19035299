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
  organisation: 'contract',
  output: 'push',
  dockerfileText: null,
  cacheFrom: [],
  cacheTo: [],
  provenance: false,
  sbomScanner: null,
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
  const response = await askRegistry(reference, 'HEAD');
  return response.headers.get('docker-content-digest');
}

/** What these tests read of a manifest or an index. */
export interface SeenManifest {
  readonly mediaType: string | null;
  readonly manifests?: readonly SeenDescriptor[];
  readonly layers?: readonly SeenDescriptor[];
}

interface SeenDescriptor {
  readonly digest: string;
  readonly platform?: { readonly os: string; readonly architecture: string };
  readonly annotations?: Readonly<Record<string, string>>;
}

/** The manifest or index under `host/repository:tag` or `host/repository@digest`. */
export async function manifestOf(reference: string): Promise<SeenManifest> {
  const response = await askRegistry(reference, 'GET');
  // The tests below look at what they expect, and fail without it.
  return response.ok ? ((await response.json()) as SeenManifest) : { mediaType: null };
}

async function askRegistry(reference: string, method: 'HEAD' | 'GET'): Promise<Response> {
  const [, host, repository, name] = /^([^/]+)\/(.*?)[:@]((?:sha256:)?[^:]+)$/.exec(reference) ?? [];
  const accept = ['application/vnd.oci.image.index.v1+json', 'application/vnd.oci.image.manifest.v1+json'];
  accept.push('application/vnd.docker.distribution.manifest.v2+json');
  return fetch(`http://${host}/v2/${repository}/manifests/${name}`, { method, headers: { accept: accept.join(', ') } });
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

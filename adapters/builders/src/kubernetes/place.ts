import { createHash } from 'node:crypto';

/** Where things lie in the pod of a build. */
export const place = {
  /** Where the archive of the source is unpacked. */
  source: '/eve/source',
  progress: '/eve/progress',
  secrets: '/eve/secrets',
  run: '/eve/run',
  usage: '/eve/usage',
  state: '/eve/state',
  config: '/eve/config',
} as const;

export const socket = `unix://${place.run}/buildkitd.sock`;
export const metadataFile = `${place.progress}/metadata.json`;

/** The container whose end is the build's end, and the one in which the daemon runs beside it. */
export const container = { build: 'build', daemon: 'buildkitd', source: 'source' } as const;

export const buildLabel = {
  /** The engine that a Job of ours builds with; only Jobs of builds and their pods carry it. */
  builder: 'eve.dev/builder',
} as const;

export const buildAnnotation = {
  plan: 'eve.dev/plan',
  service: 'eve.dev/service',
  output: 'eve.dev/output',
  run: 'eve.dev/build-run',
} as const;

/** A name that the API server takes for an object, the same again for the same plan. */
export function jobName(plan: string): string {
  const digest = createHash('sha256').update(plan).digest('hex').slice(0, 10);
  const words = plan
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .slice(0, 44);
  return `b-${words.replace(/^-+|-+$/g, '')}-${digest}`.replace(/--+/g, '-');
}

/** In an argument of a container `$(NAME)` would be a variable, and two signs stand for one. */
export function literal(argument: string): string {
  return argument.replaceAll('$', '$$$$');
}

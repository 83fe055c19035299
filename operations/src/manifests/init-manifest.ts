import { slugOf } from '@eve/domain';
import { stringify } from 'yaml';
import { composeServices } from './compose-services.ts';
import { readDockerfile } from './dockerfile.ts';
import { parseManifest } from './parse-manifest.ts';

/** A first manifest, and what a person should know about how it came about. */
export interface InitialManifest {
  readonly yaml: string;
  readonly notes: readonly string[];
}

/** Writes a manifest for one service that a Dockerfile builds. The path is relative to the repository. */
export function manifestFromDockerfile({
  project,
  path = 'Dockerfile',
  text,
}: {
  project: string;
  path?: string;
  text: string;
}): InitialManifest {
  const parts = path.split('/').filter((part) => part !== '.' && part !== '');
  const file = parts.pop() ?? 'Dockerfile';
  const context = parts.join('/') || '.';
  const { ports, hasHealthcheck } = readDockerfile(text);
  const notes: string[] = [];
  if (ports.length === 0) {
    notes.push('The Dockerfile has no EXPOSE, so the port is set to 8080; Eve tells the service its port as PORT.');
  }
  if (!hasHealthcheck) {
    notes.push(
      'The image has no HEALTHCHECK, so its port is checked; add `x-eve.probes.ready` with a path for a real check.',
    );
  }
  const service = slugOf(parts.at(-1) ?? project) || 'web';
  const build = { context, ...(file !== 'Dockerfile' && { dockerfile: file }) };
  const services = { [service]: { build, ports: ports.length > 0 ? ports : [8080] } };
  return { yaml: written(project, { services }), notes };
}

/** Writes a manifest from a Compose file; what Eve does not do is left out, and said. Throws `manifest_invalid` for a file that is none. */
export function manifestFromCompose({ project, text }: { project: string; text: string }): InitialManifest {
  const { services, volumes, notes } = composeServices(text);
  const yaml = written(project, {
    services,
    ...(volumes.length > 0 && { volumes: Object.fromEntries(volumes.map((name) => [name, {}])) }),
  });
  const { errors } = parseManifest(yaml);
  return { yaml, notes: [...notes, ...errors.map(({ path, message }) => `${path}: ${message}`)] };
}

const stages = {
  environments: { test: { pipeline: 'deploy' }, staging: { pipeline: 'deploy' } },
  pipelines: {
    deploy: {
      steps: [
        { name: 'build', action: { type: 'build' } },
        { name: 'release', depends_on: ['build'], action: { type: 'release' } },
        { name: 'deploy', depends_on: ['release'], action: { type: 'deploy' } },
      ],
    },
  },
};

function written(project: string, content: object): string {
  const name = slugOf(project);
  const manifest = { ...(name && { name }), registry: 'eve', ...content, ...stages };
  return `# What Eve builds, releases and deploys.\n${stringify(manifest, { lineWidth: 0, aliasDuplicateObjects: false })}`;
}

import type { Dependency, Service } from '@eve/domain';
import { parseImageReference } from '@eve/domain';
import * as f from './field.ts';
import { readByteSize, readCpus, readDuration } from './read-amounts.ts';
import { readBuild } from './read-build.ts';
import { readHealthcheck, readProbes } from './read-checks.ts';
import { readHost, readScale } from './read-cluster.ts';
import { readCommand } from './read-command.ts';
import { readValues } from './read-environment-values.ts';
import { readPorts } from './read-ports.ts';
import { readReleaseCommand, readUpdate } from './read-rollout.ts';
import { readVolumes } from './read-volumes.ts';
import type { Feature, FeatureUse } from './runtime-features.ts';
import { keysOf } from './schema.ts';
import { AmountsFile, DeployFile, IngressFile, ResourcesFile, ServiceEveFile, ServiceFile } from './schema-service.ts';

const keys = {
  service: keysOf(ServiceFile),
  eve: keysOf(ServiceEveFile),
  ingress: keysOf(IngressFile),
  deploy: keysOf(DeployFile),
  resources: keysOf(ResourcesFile),
  amounts: keysOf(AmountsFile),
};
const none: f.Fields = new Map();

/** A service with the places that checks of the whole manifest point at. */
export interface PlacedService {
  readonly service: Service;
  readonly at: f.Field;
  /** Where it says how its replicas are replaced; null when it does not. */
  readonly updateAt: f.Field | null;
  readonly dependencies: readonly { on: Dependency; at: f.Field }[];
  readonly volumes: readonly { name: string; at: f.Field }[];
  /** Where it asks for what not every runtime has. */
  readonly features: readonly FeatureUse[];
}

/** Reads one service; what is missing or wrong is written down and stands as its default. */
export function readService(name: string, at: f.Field): PlacedService {
  const fields = f.recordOf(at, keys.service, 'a mapping with `image` or `build`');
  const eve = below(fields.get('x-eve') ?? fields.get('x_eve'), keys.eve);
  const deploy = below(fields.get('deploy'), keys.deploy);
  const text = (key: string) => mapped(fields.get(key), (field) => f.textOf(field));
  const dependencies = readDependencies(fields.get('depends_on'));
  const mounts = readVolumes(fields.get('volumes'));
  const replicas = deploy.get('replicas') ?? fields.get('scale');
  const updateAt = deploy.get('update_config') ?? null;
  const ingress = below(eve.get('ingress'), keys.ingress);
  const reached = readReached(fields, ingress);
  refuseStrategy(eve.get('strategy'), name);
  const service: Service = {
    name,
    image: mapped(fields.get('image'), readImage),
    build: mapped(fields.get('build'), readBuild),
    command: readCommand(fields.get('command')),
    entrypoint: readCommand(fields.get('entrypoint')),
    user: text('user'),
    workingDir: text('working_dir'),
    environment: readValues(fields.get('environment')),
    ...reached,
    healthcheck: readHealthcheck(fields.get('healthcheck')),
    probes: readProbes(eve.get('probes')),
    dependsOn: dependencies.map(({ on }) => on),
    ...readScale(replicas, eve.get('autoscale')),
    preStopMs: readDuration(eve.get('pre_stop'), null),
    ingressHost: readHost(ingress.get('host'), reached.ports),
    update: readUpdate(updateAt ?? undefined),
    releaseCommand: readReleaseCommand(eve.get('release_command')),
    resources: readResources(fields, deploy),
    stopGracePeriodMs: readDuration(fields.get('stop_grace_period'), 10_000),
    restart: readRestart(fields.get('restart')),
    volumes: mounts.map(({ mount }) => mount),
    role: readRole(eve),
  };
  if (!service.image && !service.build && service.role !== 'external' && !fields.has('image') && !fields.has('build')) {
    f.fail(at, `Service \`${name}\` has neither \`image\` nor \`build\`; give it one.`);
  }
  return {
    ...{ service, at, updateAt, dependencies },
    volumes: mounts.map(({ mount, at }) => ({ name: mount.name, at })),
    features: [
      ...usesOf('autoscale', eve.get('autoscale')),
      ...usesOf('pre_stop', eve.get('pre_stop')),
      ...(reached.ports.some(({ published }) => published !== null)
        ? usesOf('published_port', fields.get('ports'))
        : []),
    ],
  };
}

function usesOf(feature: Feature, field: f.Field | undefined): FeatureUse[] {
  return field ? [{ feature, at: f.detailOf(field, '') }] : [];
}

function below(field: f.Field | undefined, known: f.KnownKeys): f.Fields {
  return field ? f.recordOf(field, known) : none;
}

function mapped<Value>(field: f.Field | undefined, read: (field: f.Field) => Value | null): Value | null {
  return field ? read(field) : null;
}

function readImage(field: f.Field): string | null {
  const text = f.textOf(field, 'the name of an image');
  if (text === null || parseImageReference(text)) return text;
  return f.fail(field, `\`${text}\` is no name of an image; write one such as postgres:16 or ghcr.io/acme/api.`);
}

/** Ports and exposed ports, after `x-eve.ingress` has chosen the first, or closed them to the outside. */
function readReached(fields: f.Fields, ingress: f.Fields): Pick<Service, 'ports' | 'expose'> {
  const listed = readPorts(fields.get('ports'));
  const exposed = mapped(fields.get('expose'), (field) => f.itemsOf(field, 'a list of ports')) ?? [];
  const expose = exposed.map((field) => f.integerOf(field, 1, 65535)).filter((port) => port !== null);
  const wanted = mapped(ingress.get('port'), (field) => f.integerOf(field, 1, 65535));
  const closed = mapped(ingress.get('public'), f.booleanOf) === false;
  if (closed) return { ports: [], expose: [...new Set([...expose, ...listed.map(({ container }) => container)])] };
  if (wanted === null) return { ports: listed, expose };
  const first = listed.find(({ container }) => container === wanted);
  const others = listed.filter(({ container }) => container !== wanted);
  return { ports: [first ?? { container: wanted, published: null, protocol: 'http' }, ...others], expose };
}

function readResources(fields: f.Fields, deploy: f.Fields): Service['resources'] {
  const resources = below(deploy.get('resources'), keys.resources);
  const limits = below(resources.get('limits'), keys.amounts);
  const reservations = below(resources.get('reservations'), keys.amounts);
  readByteSize(reservations.get('memory'));
  readCpus(reservations.get('cpus'));
  return {
    memoryBytes: readByteSize(limits.get('memory') ?? fields.get('mem_limit')),
    cpus: readCpus(limits.get('cpus') ?? fields.get('cpus')),
  };
}

function readRestart(field: f.Field | undefined): Service['restart'] {
  const text = field ? f.textOf(field) : null;
  if (!field || text === null) return 'unless-stopped';
  if (text === 'false') return 'no';
  const words = ['unless-stopped', 'always', 'on-failure', 'no'] as const;
  const found = words.find((word) => word === text || (word === 'on-failure' && /^on-failure:\d+$/.test(text)));
  return found ?? f.fail(field, `Write \`restart\` as one of: ${words.join(', ')}.`) ?? 'unless-stopped';
}

function refuseStrategy(field: f.Field | undefined, name: string): void {
  if (!field) return;
  f.fail(
    field,
    `A strategy belongs to a whole deploy, not to \`${name}\`; write it as \`x-eve.strategy\` at the top of the manifest, or as \`strategy\` of an environment.`,
  );
}

function readRole(eve: f.Fields): Service['role'] {
  const external = mapped(eve.get('external'), f.booleanOf);
  const field = eve.get('role');
  if (field && f.textOf(field) === 'managed_db') {
    f.fail(
      field,
      'This version does not run managed databases; run the database as a service with an image and a volume.',
    );
    return 'external';
  }
  const role = mapped(field, (at) => f.wordOf(at, ['component', 'worker', 'job'] as const)) ?? 'component';
  return external ? 'external' : role;
}

const conditions = {
  started: 'started',
  service_started: 'started',
  healthy: 'healthy',
  service_healthy: 'healthy',
} as const;

function readDependencies(field: f.Field | undefined): { on: Dependency; at: f.Field }[] {
  if (!field) return [];
  if (f.isList(field)) {
    return (f.itemsOf(field) ?? []).flatMap((at) => {
      const service = f.textOf(at, 'the name of a service');
      return service === null ? [] : [{ on: { service, condition: 'started' as const }, at }];
    });
  }
  const entries = f.entriesOf(field, 'a list of services, or a map of services to conditions') ?? none;
  return [...entries].map(([service, at]) => ({ on: { service, condition: readCondition(at) }, at }));
}

function readCondition(at: f.Field): Dependency['condition'] {
  const ignored = new Map(['required', 'restart'].map((key) => [key, 'a dependency always comes first.']));
  const field = f.isEmpty(at) ? undefined : f.recordOf(at, { read: ['condition'], ignored }).get('condition');
  const text = field ? f.textOf(field) : 'started';
  const found = Object.entries(conditions).find(([word]) => word === text)?.[1];
  if (found || !field) return found ?? 'started';
  const known = 'Use service_started or service_healthy.';
  f.fail(
    field,
    text === 'service_completed_successfully'
      ? `The condition service_completed_successfully is not supported by this version. ${known}`
      : `\`${text}\` is no condition. ${known}`,
  );
  return 'started';
}

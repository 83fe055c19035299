import { createHash } from 'node:crypto';
import type { ErrorDetail, Manifest, Strategy } from '@eve/domain';
import { isSecretName, secretNamesIn } from '@eve/domain';
import { checkCoherence } from './coherence.ts';
import * as f from './field.ts';
import { readDocument } from './read-document.ts';
import { readEnvironments } from './read-environments.ts';
import { readPipelines } from './read-pipelines.ts';
import { readRegistry } from './read-registry.ts';
import { readStrategy } from './read-rollout.ts';
import { readService } from './read-service.ts';
import type { FeatureUse } from './runtime-features.ts';
import { manifestKeys } from './schema.ts';

/** A manifest as parsed: null when there are errors. Every finding has path, line and column. */
export interface ParsedManifest {
  readonly manifest: Manifest | null;
  readonly errors: readonly ErrorDetail[];
  readonly warnings: readonly ErrorDetail[];
  /** Lower-case hex SHA-256 of the exact bytes. */
  readonly hash: string;
}

/** What validation and sync need beyond the parsed manifest. */
export interface ReadManifest extends ParsedManifest {
  /** Among the warnings: what validation counts as errors. */
  readonly incoherences: readonly ErrorDetail[];
  /** Secrets that a deploy or build of this manifest needs. */
  readonly secretNames: readonly string[];
  /** What it asks for and not every runtime has. */
  readonly features: readonly FeatureUse[];
}

const maxBytes = 1024 * 1024;
const maxFindings = 100;

/** The manifest's hash: lower-case hex SHA-256 of the exact bytes. */
export function manifestHash(yaml: string): string {
  return createHash('sha256').update(yaml, 'utf8').digest('hex');
}

/** Reads a manifest's text. Never throws for what stands in it. */
export function parseManifest(yaml: string): ParsedManifest {
  const { manifest, errors, warnings, hash } = readManifest(yaml);
  return { manifest, errors, warnings, hash };
}

/** As parseManifest, with what validation and sync need besides. */
export function readManifest(yaml: string): ReadManifest {
  const hash = manifestHash(yaml);
  const refused = (errors: readonly ErrorDetail[]): ReadManifest => ({
    manifest: null,
    errors: inOrder(errors),
    warnings: [],
    incoherences: [],
    secretNames: [],
    features: [],
    hash,
  });
  if (Buffer.byteLength(yaml) > maxBytes)
    return refused([first('The manifest is larger than 1 MiB; make it smaller.')]);
  const reading = readDocument(yaml);
  if (reading.errors.length > 0) return refused(reading.errors);
  const root: f.Field = { reading, path: '', offset: 0, node: reading.document.contents as f.Field['node'] };
  if (f.isEmpty(root)) return refused([first('The manifest is empty; list services under `services`.')]);

  const { manifest, requiredSecrets, features } = readRoot(root);
  if (reading.visitsLeft <= 0 || reading.aliasesLeft < 0 || reading.mergeDepth > 0) {
    return refused([first('The manifest refers to its own parts (`*name`) too often; write them out.')]);
  }
  if (reading.errors.length > 0) {
    return {
      ...refused(reading.errors),
      warnings: inOrder([...reading.incoherences, ...reading.warnings]),
    };
  }
  return {
    manifest,
    errors: [],
    warnings: inOrder([...reading.incoherences, ...reading.warnings]),
    incoherences: reading.incoherences,
    secretNames: [...new Set([...requiredSecrets, ...secretsOf(manifest)])].sort(),
    features,
    hash,
  };
}

function readRoot(root: f.Field): { manifest: Manifest; requiredSecrets: string[]; features: FeatureUse[] } {
  const fields = f.recordOf(root, manifestKeys.manifest, 'a mapping with `services`');
  const registry = readRegistry(fields.get('registry'));
  const services = readServices(fields.get('services'), root);
  const environments = readEnvironments(fields.get('environments'));
  const pipelines = readPipelines(fields.get('pipelines'));
  const volumes = fields.get('volumes');
  const declared = volumes ? [...(f.entriesOf(volumes, 'a mapping of names to volumes')?.keys() ?? [])] : null;
  checkCoherence({ registry, services, environments, pipelines, volumes: declared });
  const name = fields.get('name') ?? fields.get('project');
  const eve = readEve(fields.get('x-eve') ?? fields.get('x_eve'));
  // Who says how replicas are replaced wants them replaced one after another.
  const rolling = services.some(({ updateAt }) => updateAt !== null) ? { kind: 'rolling' as const } : null;
  const manifest: Manifest = {
    name: name ? f.textOf(name) : null,
    registry,
    services: byName(services.map(({ service }) => service)),
    environments: byName(environments.map(({ setting }) => setting)),
    pipelines: byName(pipelines.map(({ name, steps }) => ({ name, steps: steps.map(({ step }) => step) }))),
    strategy: eve.strategy ?? rolling,
  };
  const features = services.flatMap((each) => each.features);
  return { manifest, requiredSecrets: eve.requiredSecrets, features };
}

/** A record in which nothing is found but what was named: `constructor` is a name that an environment may have. */
function byName<Named extends { readonly name: string }>(things: readonly Named[]): Readonly<Record<string, Named>> {
  const record: Record<string, Named> = Object.create(null);
  for (const thing of things) record[thing.name] = thing;
  return record;
}

function readServices(field: f.Field | undefined, root: f.Field) {
  const entries = field ? (f.entriesOf(field, 'a mapping of names to services') ?? new Map<string, f.Field>()) : null;
  if (!entries || (field && f.isMapping(field) && entries.size === 0)) {
    f.warn(
      field ?? root,
      'The manifest lists no services, so there is nothing to build or deploy; add one under `services`.',
    );
  }
  return [...(entries ?? [])].map(([name, at]) => {
    if (!/^[a-z0-9]+([_-][a-z0-9]+)*$/.test(name) || name.length > 40) {
      f.fail(
        at,
        `\`${name}\` is no name of a service: use at most 40 lower-case letters, digits and single hyphens or underscores.`,
      );
    }
    return readService(name, at);
  });
}

function readEve(field: f.Field | undefined): { strategy: Strategy | null; requiredSecrets: string[] } {
  const fields: f.Fields = field ? f.recordOf(field, manifestKeys.eve) : new Map();
  return {
    strategy: readStrategy(fields.get('strategy')),
    requiredSecrets: readRequiredSecrets(fields.get('requires')),
  };
}

function readRequiredSecrets(requires: f.Field | undefined): string[] {
  const list = requires ? f.recordOf(requires, { read: ['secrets'], ignored: new Map() }).get('secrets') : undefined;
  const names = list ? f.textsOf(list) : [];
  for (const name of names) if (list && !isSecretName(name)) f.fail(list, `\`${name}\` is no name of a secret.`);
  return names;
}

/** Names that values, builds and the registry of a manifest use. A registry's default names have fallbacks and are left out. */
function secretsOf({ services, environments, registry }: Manifest): string[] {
  const values = [
    ...Object.values(services).flatMap((service) => Object.values(service.environment)),
    ...Object.values(environments).flatMap(({ environment }) =>
      Object.values(environment).flatMap(Object.values<string>),
    ),
  ];
  const mounted = Object.values(services).flatMap(({ build }) => build?.secrets ?? []);
  const login = registry.mode === 'own' ? [registry.usernameSecret, registry.tokenSecret] : [];
  const named = login.filter((name) => name !== 'REGISTRY_USERNAME' && name !== 'REGISTRY_PASSWORD');
  return [...secretNamesIn(values), ...mounted, ...named];
}

/** By place in the file; no more than a person would read. */
function inOrder(found: readonly ErrorDetail[]): ErrorDetail[] {
  const place = ({ line = 0, column = 0 }: ErrorDetail) => line * 1e6 + column;
  return [...found].sort((one, other) => place(one) - place(other)).slice(0, maxFindings);
}

function first(message: string): ErrorDetail {
  return { path: '', message, line: 1, column: 1 };
}

import { type EnvironmentSetting, isEnvironmentName } from '@eve/domain';
import * as f from './field.ts';
import { readDuration } from './read-amounts.ts';
import { readValues } from './read-environment-values.ts';
import { readStrategy } from './read-rollout.ts';
import { manifestKeys } from './schema.ts';

/** An environment's settings with the places that checks of the whole manifest point at. */
export interface PlacedEnvironment {
  readonly setting: EnvironmentSetting;
  readonly pipelineAt: f.Field | null;
  readonly overrides: readonly { service: string; at: f.Field }[];
}

/** Reads `environments` of a manifest; what is wrong with it is noted at its place. */
export function readEnvironments(field: f.Field | undefined): PlacedEnvironment[] {
  const entries = field ? (f.entriesOf(field, 'a mapping of names to environments') ?? []) : [];
  return [...entries].map(([name, at]) => readEnvironment(name, at));
}

function readEnvironment(name: string, at: f.Field): PlacedEnvironment {
  if (!isEnvironmentName(name)) {
    f.fail(
      at,
      `\`${name}\` is no name of an environment: use at most 20 lower-case letters, digits and hyphens, a letter first.`,
    );
  }
  const fields: f.Fields = f.isEmpty(at) ? new Map() : f.recordOf(at, manifestKeys.environment);
  const pipelineAt = fields.get('pipeline') ?? null;
  const inputs = fields.get('pipeline_inputs');
  const overrides = readOverrides(fields.get('overrides'));
  const setting: EnvironmentSetting = {
    name,
    pipeline: pipelineAt ? f.textOf(pipelineAt, 'the name of a pipeline') : null,
    pipelineInputs: inputs ? readInputs(inputs) : {},
    approval: readApproval(fields.get('approval')),
    autoDeploy: readBoolean(fields.get('auto_deploy')),
    strategy: readStrategy(fields.get('strategy')),
    drift: readDrift(fields.get('drift')),
    autoRollback: readBoolean(fields.get('auto_rollback')),
    stabiliseMs: readDuration(fields.get('stabilise'), null),
    kind: readKind(fields),
    environment: Object.fromEntries(overrides.map(({ service, values }) => [service, values])),
  };
  return { setting, pipelineAt, overrides };
}

/** A mapping of free values; empty after an error. */
export function readInputs(field: f.Field): Record<string, unknown> {
  if (!f.isMapping(field)) f.fail(field, `Write \`${field.path}\` as a mapping.`);
  // A mapping's plain form is a record; every other form has just been refused.
  return f.isMapping(field) ? (f.plainOf(field) as Record<string, unknown>) : {};
}

function readApproval(field: f.Field | undefined): boolean | null {
  const word = field ? f.wordOf(field, ['required', 'none', 'true', 'false'] as const) : null;
  return word === null ? null : word === 'required' || word === 'true';
}

function readBoolean(field: f.Field | undefined): boolean | null {
  return field ? f.booleanOf(field) : null;
}

function readDrift(field: f.Field | undefined): EnvironmentSetting['drift'] {
  return field ? f.wordOf(field, ['report', 'repair'] as const) : null;
}

function readKind(fields: f.Fields): EnvironmentSetting['kind'] {
  const typeField = fields.get('type');
  const type = typeField ? f.wordOf(typeField, ['persistent', 'temporary'] as const) : null;
  const kindField = fields.get('kind');
  const words = ['standard', 'preview', 'persistent', 'temporary'] as const;
  const kind = kindField ? f.wordOf(kindField, words) : null;
  return type ?? (kind === 'preview' || kind === 'temporary' ? 'temporary' : 'persistent');
}

function readOverrides(field: f.Field | undefined): { service: string; at: f.Field; values: Record<string, string> }[] {
  const only = (key: string) => ({ read: [key], ignored: new Map<string, string>() });
  const services = field ? f.recordOf(field, only('services')).get('services') : undefined;
  const entries = services ? (f.entriesOf(services, 'a mapping of services') ?? []) : [];
  return [...entries]
    .filter(([, at]) => !f.isEmpty(at))
    .map(([service, at]) => ({
      service,
      at,
      values: readValues(f.recordOf(at, only('environment')).get('environment')),
    }));
}

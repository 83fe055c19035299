import { isEnvironmentName, type PipelineStep } from '@eve/domain';
import * as f from './field.ts';
import { readInputs } from './read-environments.ts';
import { manifestKeys } from './schema.ts';

/** A step with the places that checks of the whole manifest point at. */
export interface PlacedStep {
  readonly step: PipelineStep;
  readonly at: f.Field;
  readonly dependencies: readonly { name: string; at: f.Field }[];
  readonly envAt: f.Field | null;
}

export interface PlacedPipeline {
  readonly name: string;
  readonly steps: readonly PlacedStep[];
}

const actions = ['build', 'release', 'deploy'] as const;
const otherSteps = ['script', 'run', 'agent', 'command', 'job'];
const onlyThese = 'This version runs steps with the actions build, release and deploy only';

/** Reads `pipelines` of a manifest; what is wrong with it is noted at its place. */
export function readPipelines(field: f.Field | undefined): PlacedPipeline[] {
  const entries = field ? (f.entriesOf(field, 'a mapping of names to pipelines') ?? []) : [];
  return [...entries].map(([name, at]) => readPipeline(name, at));
}

function readPipeline(name: string, at: f.Field): PlacedPipeline {
  if (!/^[A-Za-z0-9][A-Za-z0-9_.-]{0,62}$/.test(name)) {
    f.fail(at, `\`${name}\` is no name of a pipeline: use letters, digits, dots, hyphens and underscores.`);
  }
  const fields = f.recordOf(at, manifestKeys.pipeline, 'a mapping with `steps`');
  const stepsField = fields.get('steps');
  const items = stepsField ? (f.itemsOf(stepsField, 'a list of steps') ?? []) : [];
  if (!stepsField || (f.isList(stepsField) && items.length === 0)) {
    f.fail(at, `Pipeline \`${name}\` has no steps; list at least one under \`steps\`.`);
  }
  const envAt = fields.get('env') ?? null;
  return { name, steps: items.flatMap((item, index) => readStep(item, index, envAt) ?? []) };
}

function readStep(at: f.Field, index: number, pipelineEnv: f.Field | null): PlacedStep | null {
  const fields = f.recordOf(at, withOthers, 'a mapping with `name` and `action`');
  const nameField = fields.get('name');
  const name = (nameField ? f.textOf(nameField) : null) ?? `step-${index + 1}`;
  const other = otherSteps.map((key) => fields.get(key)).find((field) => field !== undefined);
  if (other)
    return f.fail(
      other,
      `${onlyThese}; \`${name}\` is another kind of step. Remove it, or do its work in a Dockerfile stage.`,
    );
  const actionField = fields.get('action');
  if (!actionField) return f.fail(at, `Step \`${name}\` has no action; write one such as \`action: { type: build }\`.`);

  const parts = f.isMapping(actionField) ? f.entriesOf(actionField) : new Map([['type', actionField]]);
  const action = readAction(parts?.get('type'), actionField);
  if (!action) return null;
  const inputs = {
    ...plainInputs(fields.get('inputs')),
    ...plainInputs(fields.get('with')),
    ...plainInputs(parts?.get('inputs')),
    ...plainInputs(parts?.get('with')),
    ...Object.fromEntries(
      [...(parts ?? [])].filter(([key]) => !actionWords.includes(key)).map(([key, value]) => [key, f.plainOf(value)]),
    ),
  };
  const dependencies = readDependencies(fields.get('depends_on'));
  const ownEnv = parts?.get('env_name') ?? fields.get('env_name') ?? null;
  const envAt = ownEnv ?? (action === 'deploy' && inputs.env_name === undefined ? pipelineEnv : null);
  const envName = envAt ? readEnvName(envAt) : typeof inputs.env_name === 'string' ? inputs.env_name : null;
  const { env_name: _, ...others } = inputs;
  const step = { name, dependsOn: dependencies.map((dependency) => dependency.name), action, envName, inputs: others };
  return { step, at, dependencies, envAt };
}

const actionWords = ['type', 'env_name', 'with', 'inputs'];
const withOthers = { ...manifestKeys.step, read: [...manifestKeys.step.read, ...otherSteps] };

function readAction(field: f.Field | undefined, actionField: f.Field): PipelineStep['action'] | null {
  const type = field
    ? f.textOf(field, 'build, release or deploy')
    : f.fail(actionField, 'Write the kind of the action as `type`: build, release or deploy.');
  const found = actions.find((word) => word === type);
  if (found || type === null || !field) return found ?? null;
  return f.fail(field, `${onlyThese}; \`${type}\` is not one of them.`);
}

function plainInputs(field: f.Field | undefined): Record<string, unknown> {
  return field && !f.isEmpty(field) ? readInputs(field) : {};
}

function readDependencies(field: f.Field | undefined): { name: string; at: f.Field }[] {
  const items = field ? (f.isList(field) ? (f.itemsOf(field) ?? []) : [field]) : [];
  return items.flatMap((at) => {
    const name = f.textOf(at, 'the name of a step');
    return name === null ? [] : [{ name, at }];
  });
}

function readEnvName(field: f.Field): string | null {
  const text = f.textOf(field, 'the name of an environment');
  if (text === null || isEnvironmentName(text)) return text;
  return f.fail(
    field,
    `\`${text}\` is no name of an environment: use at most 20 lower-case letters, digits and hyphens, a letter first.`,
  );
}

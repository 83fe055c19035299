import { z } from 'zod';
import type { KnownKeys } from './field.ts';
import { StrategyFile } from './schema-rollout.ts';
import { ServiceFile } from './schema-service.ts';
import { Duration, ignored, TextMap } from './schema-words.ts';

const RegistryAuthFile = z
  .object({
    username_secret: z.string().optional().describe('Secret with the user name; REGISTRY_USERNAME unless given.'),
    token_secret: z.string().optional().describe('Secret with the password or token; REGISTRY_PASSWORD unless given.'),
  })
  .meta({ id: 'registry_auth' });

const RegistryFile = z
  .object({
    host: z.string().describe('Host of the registry, optionally with a path, such as public.ecr.aws/w7c4v0w3.'),
    namespace: z.string().optional().describe('Namespace or organisation below the host.'),
    auth: RegistryAuthFile.optional(),
  })
  .meta({ id: 'registry' });

const EnvironmentFile = z
  .object({
    pipeline: z.string().optional().describe('Pipeline that a deploy to this environment runs.'),
    pipeline_inputs: z.record(z.string(), z.unknown()).optional(),
    approval: z
      .union([z.enum(['required', 'none']), z.boolean()])
      .optional()
      .describe('`required` or true: a deploy waits until somebody approves it.'),
    strategy: StrategyFile.optional(),
    drift: z
      .enum(['report', 'repair'])
      .optional()
      .describe('What happens when something else runs than was deployed: `report` (unless given), or `repair`.'),
    auto_rollback: z
      .boolean()
      .optional()
      .describe(
        'Whether a revision that fails after its switch gives way to the one before by itself; true unless given.',
      ),
    stabilise: Duration.optional().describe(
      'How long a new revision is watched after its switch, before what came before is removed.',
    ),
    auto_deploy: z
      .boolean()
      .optional()
      .describe('Whether triggers may deploy here without being asked; false unless given.'),
    type: z.enum(['persistent', 'temporary']).optional(),
    kind: z.enum(['standard', 'preview', 'persistent', 'temporary']).optional(),
    overrides: z
      .object({ services: z.record(z.string(), z.object({ environment: TextMap.optional() })).optional() })
      .optional()
      .describe('Per service, values that win over its own in this environment.'),
    labels: ignored('labels of environments are not kept.'),
    workers: ignored('worker pools are not chosen per environment.'),
    branch: ignored('this version does not deploy by itself when a branch moves.'),
  })
  .meta({ id: 'environment' });

const ActionFile = z
  .looseObject({
    type: z.enum(['build', 'release', 'deploy']),
    env_name: z.string().optional().describe('Environment of a deploy step.'),
    with: z.record(z.string(), z.unknown()).optional(),
    inputs: z.record(z.string(), z.unknown()).optional(),
  })
  .meta({ id: 'action' });

const StepFile = z
  .object({
    name: z.string().optional(),
    depends_on: z.union([z.string(), z.array(z.string())]).optional(),
    action: z.union([z.enum(['build', 'release', 'deploy']), ActionFile]),
    with: z.record(z.string(), z.unknown()).optional(),
    inputs: z.record(z.string(), z.unknown()).optional(),
    env_name: z.string().optional(),
    requires: ignored('declare needed secrets under `x-eve.requires.secrets` of the manifest.'),
  })
  .meta({ id: 'step' });

const PipelineFile = z
  .object({
    env: z.string().optional().describe('Environment of deploy steps that name none.'),
    steps: z.array(StepFile).min(1),
    trigger: ignored('this version does not start pipelines by events; use `eve env deploy` or `eve pipeline run`.'),
    toolchains: ignored('build, release and deploy steps need none.'),
    env_overrides: ignored('use `overrides` of the environment.'),
    scope: ignored('pipelines run with the right of who starts them.'),
    permissions: ignored('pipelines run with the right of who starts them.'),
    wait_timeout: ignored('wait with the timeout of the command instead.'),
  })
  .meta({ id: 'pipeline' });

/** `x-eve` at the top of the manifest. */
const EveFile = z
  .object({
    requires: z
      .object({ secrets: z.array(z.string()).optional().describe('Names of secrets that must be set.') })
      .optional(),
    strategy: StrategyFile.optional(),
  })
  .meta({ id: 'eve' });

/** The file `.eve/manifest.yaml` as it may be written: the one list of its fields. */
export const ManifestFile = z
  .object({
    schema: z.string().optional(),
    version: z.union([z.string(), z.number()]).optional().describe('Of the Compose file format; not needed.'),
    name: z.string().optional(),
    project: z.string().optional(),
    registry: z
      .union([z.enum(['eve', 'none']), RegistryFile])
      .optional()
      .describe('Where images are kept: `eve` (unless given), `none`, or a registry of your own.'),
    services: z.record(z.string(), ServiceFile).optional(),
    volumes: z.record(z.string(), z.unknown()).optional(),
    environments: z.record(z.string(), EnvironmentFile.nullable()).optional(),
    pipelines: z.record(z.string(), PipelineFile).optional(),
    'x-eve': EveFile.optional(),
    x_eve: EveFile.optional(),
    workflows: ignored('this version runs pipelines only.'),
    versioning: ignored('a release takes the next free version of its project.'),
    networks: ignored('each environment has one network with a name for every service.'),
    secrets: ignored(`secrets are set with \`eve secrets set\` and used as \`\${secret.NAME}\`.`),
    configs: ignored('put the file into the image, or its value into `environment`.'),
  })
  .meta({ title: 'Eve manifest', description: 'The file .eve/manifest.yaml.' });

/** The known keys of each mapping of the manifest. */
export const manifestKeys = {
  manifest: keysOf(ManifestFile),
  eve: keysOf(EveFile),
  registry: keysOf(RegistryFile),
  registryAuth: keysOf(RegistryAuthFile),
  environment: keysOf(EnvironmentFile),
  pipeline: keysOf(PipelineFile),
  step: keysOf(StepFile),
};

/** The manifest's JSON Schema (2020-12), for editors and for people. Extension fields (`x-…`) are open. */
export function manifestJsonSchema(): Record<string, unknown> {
  return z.toJSONSchema(ManifestFile, {
    io: 'input',
    override: ({ jsonSchema }) => {
      if ('ignored' in jsonSchema) {
        delete jsonSchema.ignored;
        jsonSchema.deprecated = true;
      }
      if (jsonSchema.type !== 'object' || !jsonSchema.properties || jsonSchema.additionalProperties) return;
      jsonSchema.patternProperties = { '^x[-_]': {} };
      if (jsonSchema.additionalProperties === undefined) jsonSchema.additionalProperties = false;
    },
  });
}

/** The known keys of a mapping, as its schema lists them. */
export function keysOf({ shape }: z.ZodObject): KnownKeys {
  const read: string[] = [];
  const without = new Map<string, string>();
  for (const [key, type] of Object.entries(shape)) {
    const reason = (type as z.ZodType).meta()?.ignored; // a shape's values are zod types
    if (typeof reason === 'string') without.set(key, reason);
    else read.push(key);
  }
  return { read, ignored: without };
}

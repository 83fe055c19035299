import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import * as contract from '../contract/index.ts';
import type { Context } from '../operations.ts';
import { given } from '../paging.ts';
import { presentDetail, presentManifest } from '../present/manifests.ts';
import { presentMissingSecrets } from '../present/secrets.ts';
import { projectOf } from './project-of.ts';

const params = z.object({ project_id: contract.ProjectName });

export const manifestRoutes: FastifyPluginAsyncZod<Context> = async (app, context) => {
  const { platform, operations } = context;
  let schema: Record<string, unknown> | undefined;

  app.get(
    '/manifest.schema.json',
    {
      config: { isPublic: true },
      schema: {
        operationId: 'manifestSchema',
        tags: ['manifests'],
        summary: 'The JSON Schema of .eve/manifest.yaml, for editors',
        security: [],
        response: { 200: z.record(z.string(), z.unknown()) },
      },
    },
    async () => {
      schema ??= operations.manifestJsonSchema();
      return schema;
    },
  );

  app.post(
    '/projects/:project_id/manifest',
    {
      schema: {
        operationId: 'syncManifest',
        tags: ['manifests'],
        summary: 'Record the manifest of a commit',
        params,
        body: contract.SyncManifest,
        response: { 200: contract.SyncedManifest },
      },
    },
    async ({ caller, params: { project_id }, body }) => {
      const { id } = await projectOf(context, caller, project_id);
      const { yaml, git_sha: gitSha, branch, validate_secrets: validateSecrets, strict } = body;
      const synced = await operations.syncManifest(platform, caller, id, {
        yaml,
        ...given({ gitSha, branch, validateSecrets, strict }),
      });
      const { yaml: _text, ...manifest } = presentManifest(
        { manifest: synced.record, gitSha: synced.gitSha, branch: synced.branch, syncedAt: platform.now() },
        synced.manifest,
      );
      return {
        ...manifest,
        warnings: synced.warnings.map(presentDetail),
        secret_validation: presentMissingSecrets(
          await operations.suggestSecrets(platform, caller, id, synced.missingSecrets),
        ),
      };
    },
  );

  app.get(
    '/projects/:project_id/manifest',
    {
      schema: {
        operationId: 'latestManifest',
        tags: ['manifests'],
        summary: 'The manifest synced last, or last for a commit; null when there is none',
        params,
        querystring: contract.LatestManifest,
        response: { 200: contract.Manifest.nullable() },
      },
    },
    async ({ caller, params: { project_id }, query: { git_sha: gitSha } }) => {
      const { id } = await projectOf(context, caller, project_id);
      const latest = await operations.latestManifest(platform, caller, id, gitSha);
      return latest && presentManifest(latest, operations.parseManifest(latest.manifest.yaml).manifest);
    },
  );

  app.post(
    '/projects/:project_id/manifest/validate',
    {
      schema: {
        operationId: 'validateManifest',
        tags: ['manifests'],
        summary: 'Check a manifest without recording it',
        params,
        body: contract.ValidateManifest,
        response: { 200: contract.ManifestValidation },
      },
    },
    async ({ caller, params: { project_id }, body }) => {
      const { id } = await projectOf(context, caller, project_id);
      const { manifest_yaml: yaml, validate_secrets: validateSecrets, strict } = body;
      const found = await operations.validateManifest(platform, caller, id, given({ yaml, validateSecrets, strict }));
      return {
        valid: found.valid,
        manifest_hash: found.hash,
        errors: found.errors.map(presentDetail),
        warnings: found.warnings.map(presentDetail),
        secret_validation: presentMissingSecrets(
          await operations.suggestSecrets(platform, caller, id, found.missingSecrets),
        ),
      };
    },
  );
};

import { Readable } from 'node:stream';
import { PlatformError } from '@eve/domain';
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import * as contract from '../contract/index.ts';
import type { Context } from '../operations.ts';
import { projectOf } from './project-of.ts';

const params = z.object({ project_id: contract.ProjectName });

/** Where source comes from: refs of the repository, and commits uploaded as git packs. */
export const sourceRoutes: FastifyPluginAsyncZod<Context> = async (app, context) => {
  const { platform, operations } = context;

  app.get(
    '/projects/:project_id/refs',
    {
      schema: {
        operationId: 'resolveRef',
        tags: ['sources'],
        summary: 'The commit behind a branch, tag or short id',
        params,
        querystring: z.object({ ref: z.string().min(1).max(250) }),
        response: { 200: contract.ResolvedRef },
      },
    },
    async (request, reply) => {
      const { id } = await projectOf(context, request.caller, request.params.project_id);
      const gone = new AbortController();
      reply.raw.once('close', () => gone.abort());
      const signal = AbortSignal.any([gone.signal, context.closing]);
      const { ref, gitSha } = await operations.resolveRef(platform, request.caller, id, request.query.ref, signal);
      return { ref, git_sha: gitSha };
    },
  );

  app.put(
    '/projects/:project_id/sources/:sha',
    {
      schema: {
        operationId: 'uploadSource',
        tags: ['sources'],
        summary: 'Upload a git pack that holds a commit',
        description: 'The body is the pack itself, content type application/x-git-pack, at most 1 GiB.',
        params: params.extend({ sha: contract.GitSha }),
        response: { 200: contract.UploadedSource },
      },
    },
    async (request) => {
      const { id } = await projectOf(context, request.caller, request.params.project_id);
      const { sha } = request.params;
      const uploaded = await operations.uploadSource(platform, request.caller, id, {
        sha,
        bytes: packOf(request.body),
      });
      return { sha: uploaded.sha, size_bytes: uploaded.sizeBytes };
    },
  );
};

/** The pack as it arrives; nothing of it is held in memory. */
function packOf(body: unknown): AsyncIterable<Uint8Array> {
  if (body instanceof Readable) return body;
  throw new PlatformError(
    'body_invalid',
    'Send the git pack as the body, with the content type application/x-git-pack.',
  );
}

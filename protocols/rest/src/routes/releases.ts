import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import * as contract from '../contract/index.ts';
import type { Context } from '../operations.ts';
import { given, pageOf, presentPage } from '../paging.ts';
import { presentRelease } from '../present/environments.ts';
import { projectOf } from './project-of.ts';

const ofProject = z.object({ project_id: contract.ProjectName });
const tag = z.string().min(1).max(128).describe('tag or id of a release');
const tags = ['releases'];

export const releaseRoutes: FastifyPluginAsyncZod<Context> = async (app, context) => {
  const { platform, operations } = context;

  app.post(
    '/projects/:project_id/releases',
    {
      schema: {
        operationId: 'createRelease',
        tags,
        summary: 'Freeze a commit, a manifest and digests',
        params: ofProject,
        body: contract.CreateRelease,
        response: { 201: contract.Release },
      },
    },
    async (request, reply) => {
      const { id } = await projectOf(context, request.caller, request.params.project_id);
      const { body } = request;
      const release = await operations.createRelease(
        platform,
        request.caller,
        id,
        given({
          gitSha: body.git_sha,
          manifestHash: body.manifest_hash,
          buildId: body.build_id,
          imageDigests: body.image_digests,
          version: body.version,
          tag: body.tag,
        }),
      );
      return reply.code(201).send(presentRelease(context, release));
    },
  );

  app.get(
    '/projects/:project_id/releases',
    {
      schema: {
        operationId: 'listReleases',
        tags,
        summary: 'List releases, newest first',
        params: ofProject,
        querystring: contract.PageQuery,
        response: { 200: contract.pageOf(contract.Release) },
      },
    },
    async ({ caller, params, query }) => {
      const { id } = await projectOf(context, caller, params.project_id);
      const page = await operations.listReleases(platform, caller, id, pageOf(query));
      return presentPage(page, query, (release) => presentRelease(context, release));
    },
  );

  app.get(
    '/projects/:project_id/releases/by-tag/:tag',
    {
      schema: {
        operationId: 'getReleaseOfProject',
        tags,
        summary: 'Show a release of a project, by tag or id',
        params: ofProject.extend({ tag }),
        response: { 200: contract.Release },
      },
    },
    async ({ caller, params }) => {
      const { id } = await projectOf(context, caller, params.project_id);
      return presentRelease(context, await operations.getRelease(platform, caller, params.tag, id));
    },
  );

  app.get(
    '/releases/:tag',
    {
      schema: {
        operationId: 'getRelease',
        tags,
        summary: 'Show a release, by tag or id; project_id chooses between projects with the same tag',
        params: z.object({ tag }),
        querystring: contract.ReleaseSelector,
        response: { 200: contract.Release },
      },
    },
    async ({ caller, params, query }) => {
      const project = query.project_id === undefined ? null : await projectOf(context, caller, query.project_id);
      return presentRelease(context, await operations.getRelease(platform, caller, params.tag, project?.id));
    },
  );
};

import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import * as contract from '../contract/index.ts';
import { sinceOf } from '../duration.ts';
import type { Context } from '../operations.ts';
import { given, pageOf, presentPage } from '../paging.ts';
import { presentRelease } from '../present/environments.ts';
import {
  presentListedRelease,
  presentPrunedReleases,
  presentReleaseDetail,
  presentReleaseDiff,
} from '../present/releases.ts';
import { projectOf } from './project-of.ts';

const ofProject = z.object({ project_id: contract.ProjectName });
const tag = z.string().min(1).max(128).describe('tag or id of a release');
const ofRelease = ofProject.extend({ tag });
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
        response: { 201: contract.CreatedRelease },
      },
    },
    async (request, reply) => {
      const { id } = await projectOf(context, request.caller, request.params.project_id);
      const { body } = request;
      const { release, note } = await operations.createRelease(
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
      return reply.code(201).send({ ...presentRelease(context, release), note });
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
        querystring: contract.ListReleases,
        response: { 200: contract.pageOf(contract.ListedRelease) },
      },
    },
    async ({ caller, params, query }) => {
      const { id } = await projectOf(context, caller, params.project_id);
      const filters = given({
        gitSha: query.git_sha,
        version: query.version,
        tag: query.tag,
        buildId: query.build_id,
        blocked: query.blocked === undefined ? undefined : query.blocked === 'true',
        since: query.since === undefined ? undefined : sinceOf(query.since, platform.now()),
      });
      const page = await operations.listReleases(platform, caller, id, { ...pageOf(query), ...filters });
      return presentPage(page, query, (listed) => presentListedRelease(context, listed));
    },
  );

  app.get(
    '/projects/:project_id/releases/by-tag/:tag',
    {
      schema: {
        operationId: 'getReleaseOfProject',
        tags,
        summary: 'Show a release of a project, by tag or id',
        params: ofRelease,
        response: { 200: contract.ReleaseDetail },
      },
    },
    async ({ caller, params }) => {
      const { id } = await projectOf(context, caller, params.project_id);
      return presentReleaseDetail(context, await operations.showRelease(platform, caller, params.tag, id));
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
        response: { 200: contract.ReleaseDetail },
      },
    },
    async ({ caller, params, query }) => {
      const project = query.project_id === undefined ? null : await projectOf(context, caller, query.project_id);
      return presentReleaseDetail(context, await operations.showRelease(platform, caller, params.tag, project?.id));
    },
  );

  app.get(
    '/projects/:project_id/releases/diff',
    {
      schema: {
        operationId: 'diffReleases',
        tags,
        summary: 'Compare two releases: commits, manifest, images with sizes and packages, configuration',
        params: ofProject,
        querystring: contract.DiffReleases,
        response: { 200: contract.ReleaseDiff },
      },
    },
    async ({ caller, params, query }) => {
      const { id: projectId } = await projectOf(context, caller, params.project_id);
      const environments = given({ beforeEnv: query.from_env, afterEnv: query.to_env });
      const asked = { projectId, before: query.from, after: query.to, ...environments };
      return presentReleaseDiff(context, await operations.diffReleases(platform, caller, asked));
    },
  );

  app.get(
    '/projects/:project_id/releases/by-tag/:tag/manifest',
    {
      schema: {
        operationId: 'getReleaseManifest',
        tags,
        summary: 'What a release is, as a Kubernetes ConfigMap in YAML',
        params: ofRelease,
        response: { 200: z.string() },
      },
    },
    async ({ caller, params }, reply) => {
      const { id } = await projectOf(context, caller, params.project_id);
      const yaml = await operations.releaseManifest(platform, caller, params.tag, id);
      return reply.type('application/yaml; charset=utf-8').send(yaml);
    },
  );
};

/** What changes releases: whether they may be deployed, and that they go. */
export const releaseChangeRoutes: FastifyPluginAsyncZod<Context> = async (app, context) => {
  const { platform, operations } = context;

  app.post(
    '/projects/:project_id/releases/by-tag/:tag/block',
    {
      schema: {
        operationId: 'blockRelease',
        tags,
        summary: 'Refuse every deploy of a release, also by automation; what runs of it stays',
        params: ofRelease,
        body: contract.BlockRelease,
        response: { 200: contract.ListedRelease },
      },
    },
    async ({ caller, params, body }) => {
      const { id: projectId } = await projectOf(context, caller, params.project_id);
      const asked = { release: params.tag, projectId, reason: body.reason };
      return presentListedRelease(context, await operations.blockRelease(platform, caller, asked));
    },
  );

  app.post(
    '/projects/:project_id/releases/by-tag/:tag/unblock',
    {
      schema: {
        operationId: 'unblockRelease',
        tags,
        summary: 'Allow deploys of a release again',
        params: ofRelease,
        body: z.strictObject({}),
        response: { 200: contract.ListedRelease },
      },
    },
    async ({ caller, params }) => {
      const { id: projectId } = await projectOf(context, caller, params.project_id);
      const release = await operations.unblockRelease(platform, caller, { release: params.tag, projectId });
      return presentListedRelease(context, { release, block: null });
    },
  );

  app.delete(
    '/projects/:project_id/releases/by-tag/:tag',
    {
      schema: {
        operationId: 'deleteRelease',
        tags,
        summary: 'Delete a release; never one that an environment runs or has in its history',
        params: ofRelease,
        response: { 204: z.undefined() },
      },
    },
    async ({ caller, params }, reply) => {
      const { id: projectId } = await projectOf(context, caller, params.project_id);
      await operations.deleteRelease(platform, caller, { release: params.tag, projectId });
      return reply.code(204).send();
    },
  );

  app.post(
    '/projects/:project_id/releases/prune',
    {
      schema: {
        operationId: 'pruneReleases',
        tags,
        summary: 'Delete old releases: beyond the newest, and only what no environment runs or could go back to',
        params: ofProject,
        body: contract.PruneReleases,
        response: { 201: contract.PrunedReleases },
      },
    },
    async ({ caller, params, body }, reply) => {
      const { id } = await projectOf(context, caller, params.project_id);
      const pruned = await operations.pruneReleases(platform, caller, id, body.keep ?? undefined);
      return reply.code(201).send(presentPrunedReleases(pruned));
    },
  );
};

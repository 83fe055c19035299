import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import * as contract from '../contract/index.ts';
import type { Context } from '../operations.ts';
import { given, pageOf, presentPage } from '../paging.ts';
import { presentProject } from '../present/projects.ts';
import { projectOf, requireOwnOrganisation } from './project-of.ts';

const params = z.object({ project_id: contract.ProjectName });

export const projectRoutes: FastifyPluginAsyncZod<Context> = async (app, context) => {
  const { platform, operations } = context;

  app.post(
    '/projects',
    {
      schema: {
        operationId: 'createProject',
        tags: ['projects'],
        summary: 'Create a project',
        body: contract.CreateProject,
        response: { 201: contract.Project },
      },
    },
    async (request, reply) => {
      if (request.body.org_id) await requireOwnOrganisation(context, request.caller, request.body.org_id);
      const project = await operations.createProject(platform, request.caller, fieldsOf(request.body));
      return reply.code(201).send(presentProject(project));
    },
  );

  app.post(
    '/projects/ensure',
    {
      schema: {
        operationId: 'ensureProject',
        tags: ['projects'],
        summary: 'Find a project by name or slug, or create it',
        body: contract.CreateProject,
        response: { 200: contract.EnsuredProject },
      },
    },
    async ({ caller, body }) => {
      if (body.org_id) await requireOwnOrganisation(context, caller, body.org_id);
      const { project, created } = await operations.ensureProject(platform, caller, fieldsOf(body));
      return { ...presentProject(project), created };
    },
  );

  app.get(
    '/projects',
    {
      schema: {
        operationId: 'listProjects',
        tags: ['projects'],
        summary: 'List projects',
        querystring: contract.PageQuery,
        response: { 200: contract.pageOf(contract.Project) },
      },
    },
    async ({ caller, query }) =>
      presentPage(await operations.listProjects(platform, caller, pageOf(query)), query, presentProject),
  );

  app.get(
    '/projects/:project_id',
    {
      schema: {
        operationId: 'getProject',
        tags: ['projects'],
        summary: 'Show a project',
        params,
        response: { 200: contract.Project },
      },
    },
    async ({ caller, params: { project_id } }) => presentProject(await projectOf(context, caller, project_id)),
  );

  app.patch(
    '/projects/:project_id',
    {
      schema: {
        operationId: 'updateProject',
        tags: ['projects'],
        summary: 'Change a project',
        params,
        body: contract.UpdateProject,
        response: { 200: contract.Project },
      },
    },
    async ({ caller, params: { project_id }, body }) => {
      const { name, repo_url: repoUrl, branch, repo_token_secret: repoTokenSecret } = body;
      const change = {
        ...given({ name, branch }),
        // Null takes the repository or the secret's name away; absent leaves it.
        ...(repoUrl !== undefined && { repoUrl }),
        ...(repoTokenSecret !== undefined && { repoTokenSecret }),
      };
      return presentProject(await operations.updateProject(platform, caller, project_id, change));
    },
  );
};

function fieldsOf(body: z.output<typeof contract.CreateProject>) {
  const { name, slug, repo_url: repoUrl, branch, repo_token_secret: repoTokenSecret } = body;
  return { name, ...given({ slug, repoUrl, branch, repoTokenSecret }) };
}

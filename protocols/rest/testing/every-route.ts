import assert from 'node:assert/strict';
import { type furnish, manifestYaml, type RealApi } from './real.ts';

export type Furniture = Awaited<ReturnType<typeof furnish>>;

/** A route as the description of the API tells of it. */
export interface Route {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  readonly path: string;
  readonly id: string;
  /** Names of the parameters in its query. */
  readonly query: readonly string[];
  /** Names of the fields of its body. */
  readonly fields: readonly string[];
}

interface Schema {
  readonly $ref?: string;
  readonly properties?: Readonly<Record<string, unknown>>;
  readonly allOf?: readonly Schema[];
  readonly anyOf?: readonly Schema[];
}

interface Described {
  readonly operationId: string;
  readonly parameters?: readonly { readonly name: string; readonly in: string }[];
  readonly requestBody?: { readonly content: Readonly<Record<string, { readonly schema?: Schema }>> };
}

/** Every route that the API describes. */
export async function everyRoute({ app }: Pick<RealApi, 'app'>): Promise<readonly Route[]> {
  const { paths, components } = (await app.inject({ url: '/openapi.json' })).json();
  return Object.entries<Record<string, Described>>(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, { operationId: id, parameters = [], requestBody }]) => ({
      // The description has these methods in small letters.
      method: method.toUpperCase() as Route['method'],
      path,
      id,
      query: parameters.filter((parameter) => parameter.in === 'query').map(({ name }) => name),
      fields: Object.values(requestBody?.content ?? {}).flatMap(({ schema }) => fieldsOf(schema)),
    })),
  );

  function fieldsOf(schema: Schema | undefined): string[] {
    const { $ref, properties = {}, allOf = [], anyOf = [] } = schema ?? {};
    const named = $ref ? fieldsOf(components.schemas[$ref.split('/').at(-1) ?? '']) : [];
    return [...named, ...Object.keys(properties), ...[...allOf, ...anyOf].flatMap(fieldsOf)];
  }
}

/** A body that is valid. */
export function bodyFor({ id }: Pick<Route, 'id'>, { gitSha, manifestHash }: Furniture): object {
  const bodies: Record<string, object> = {
    syncManifest: { yaml: manifestYaml },
    createBuild: { git_sha: gitSha, manifest_hash: manifestHash },
    createRelease: { git_sha: gitSha, manifest_hash: manifestHash },
    blockRelease: { reason: 'x' },
    createEnvironment: { name: 'other' },
    updateEnvironment: { settings: { drift: 'repair' } },
    lockEnvironment: { reason: 'x' },
    requestDeploy: { release_tag: 'v1' },
    startPipelineRun: { git_sha: gitSha },
    setSecret: { key: 'A', value: 'b' },
    setSecretOfOrganisation: { key: 'A', value: 'b' },
    changeSecret: { value: 'b' },
    changeSecretOfOrganisation: { value: 'b' },
    setSecretOfSystem: { key: 'A', value: 'b' },
    changeSecretOfSystem: { value: 'b' },
    validateSecrets: { keys: ['A'] },
    setConfiguration: { set: { A: 'b' } },
  };
  return bodies[id] ?? {};
}

/** What a route's query must hold, to begin with a question mark. */
export function queryFor({ id }: Pick<Route, 'id'>): string {
  const queries: Record<string, string> = {
    resolveRef: '?ref=main',
    environmentLogs: '?service=web',
    diffReleases: '?from=v1&to=v1',
  };
  return queries[id] ?? '';
}

/** What the parameters of a route's path stand for; all of it is there. */
export function placesFor({ path }: Pick<Route, 'path'>, thing: Furniture): Readonly<Record<string, string>> {
  const values: Record<string, string> = {
    project_id: thing.projectId,
    owner_id: path.startsWith('/orgs') ? thing.orgId : thing.projectId,
    token_id: thing.tokenId,
    build_id: thing.buildId,
    run_id: path.startsWith('/pipeline-runs') ? thing.pipelineRunId : thing.runId,
    deploy_id: thing.deployId,
    tag: thing.releaseId,
    env_name: 'test',
    pipeline: 'deploy',
    service: 'web',
    key: 'PASSWORD',
    number: '1',
    sha: thing.gitSha,
  };
  const names = [...path.matchAll(/\{(\w+)\}/g)].map(([, name = '']) => name);
  return Object.fromEntries(
    names.map((name) => {
      const value = values[name];
      assert.ok(value, `a value for {${name}}`);
      return [name, value];
    }),
  );
}

/** The path of a route with its parameters filled in, as they are. */
export function pathWith({ path }: Pick<Route, 'path'>, places: Readonly<Record<string, string>>): string {
  return path.replace(/\{(\w+)\}/g, (_all, name: string) => places[name] ?? '');
}

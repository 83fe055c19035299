import { type FollowOptions, followLog, type LogEvent } from './client/follow.ts';
import { type Call, type CallOptions, type ClientOptions, json, path, send } from './client/transport.ts';
import type * as contract from './contract/index.ts';

export { type FollowOptions, type LogEvent, serverSentEvents } from './client/follow.ts';
export { ApiError, type CallOptions, type ClientOptions } from './client/transport.ts';

type Page<Item> = Promise<contract.Page<Item>>;
type Paging = contract.PageQuery;

/** Everything the API offers, typed by the contract. */
export type EveClient = ReturnType<typeof eveClient>;

/** The API as functions. A project is named by id or slug. Every failure is an ApiError. */
export function eveClient(options: ClientOptions) {
  const call = async <Answer>(method: string, route: string, about?: Call): Promise<Answer> =>
    json<Answer>(await send(options, method, route, about));
  const get = <Answer>(route: string, query?: object, more?: CallOptions) =>
    call<Answer>('GET', route, { ...more, query: { ...query } });
  const post = <Answer>(route: string, body?: unknown, more?: CallOptions) =>
    call<Answer>('POST', route, { ...more, body: body ?? {} });
  const patch = <Answer>(route: string, body: unknown, more?: CallOptions) =>
    call<Answer>('PATCH', route, { ...more, body });
  const remove = (route: string, query?: object, more?: CallOptions) =>
    call<void>('DELETE', route, { ...more, query: { ...query } });
  const environment = (project: string, name: string) => path`/projects/${project}/environments/${name}`;
  const secrets = ({ project, organisation }: SecretScope) =>
    project !== undefined ? path`/projects/${project}/secrets` : path`/orgs/${organisation ?? ''}/secrets`;

  return {
    health: () => get<contract.Health>('/health'),
    version: () => get<contract.Version>('/health/version'),
    me: () => get<contract.Me>('/auth/me'),
    manifestSchema: () => get<Record<string, unknown>>('/manifest.schema.json'),
    listEvents: (query?: contract.EventQuery) => get<contract.EventPage>('/events', query),

    createOrganisation: (body: contract.CreateOrganisation, more?: CallOptions) =>
      post<contract.Organisation>('/orgs', body, more),
    listOrganisations: (query?: Paging): Page<contract.Organisation> => get('/orgs', query),

    createToken: (body: contract.CreateToken, more?: CallOptions) => post<contract.CreatedToken>('/tokens', body, more),
    listTokens: (query?: Paging): Page<contract.Token> => get('/tokens', query),
    revokeToken: (tokenId: string, more?: CallOptions) => remove(path`/tokens/${tokenId}`, undefined, more),

    createProject: (body: contract.CreateProject, more?: CallOptions) =>
      post<contract.Project>('/projects', body, more),
    ensureProject: (body: contract.CreateProject, more?: CallOptions) =>
      post<contract.EnsuredProject>('/projects/ensure', body, more),
    listProjects: (query?: Paging): Page<contract.Project> => get('/projects', query),
    getProject: (project: string) => get<contract.Project>(path`/projects/${project}`),
    updateProject: (project: string, body: contract.UpdateProject, more?: CallOptions) =>
      patch<contract.Project>(path`/projects/${project}`, body, more),

    syncManifest: (project: string, body: contract.SyncManifest, more?: CallOptions) =>
      post<contract.SyncedManifest>(path`/projects/${project}/manifest`, body, more),
    /** Null when none was synced yet. */
    latestManifest: (project: string) => get<contract.Manifest | null>(path`/projects/${project}/manifest`),
    validateManifest: (project: string, body: contract.ValidateManifest = {}, more?: CallOptions) =>
      post<contract.ManifestValidation>(path`/projects/${project}/manifest/validate`, body, more),

    setSecret: (scope: SecretScope, body: contract.SetSecret, more?: CallOptions) =>
      post<contract.Secret>(secrets(scope), body, more),
    listSecrets: (scope: SecretScope, query?: Paging): Page<contract.Secret> => get(secrets(scope), query),
    showSecret: (scope: SecretScope, key: string) => get<contract.ShownSecret>(`${secrets(scope)}${path`/${key}`}`),
    deleteSecret: (scope: SecretScope, key: string, more?: CallOptions) =>
      remove(`${secrets(scope)}${path`/${key}`}`, undefined, more),
    validateSecrets: (project: string, body: contract.ValidateSecrets) =>
      post<contract.SecretValidation>(path`/projects/${project}/secrets/validate`, body),

    /** Sends a git pack that holds the commit. */
    uploadSource: (
      project: string,
      sha: string,
      bytes: Uint8Array | AsyncIterable<Uint8Array>,
      { signal }: Pick<CallOptions, 'signal'> = {},
    ) =>
      call<contract.UploadedSource>('PUT', path`/projects/${project}/sources/${sha}`, {
        signal,
        bytes,
        headers: { 'content-type': 'application/x-git-pack' },
      }),
    resolveRef: (project: string, ref: string, more?: CallOptions) =>
      get<contract.ResolvedRef>(path`/projects/${project}/refs`, { ref }, more),

    createBuild: (project: string, body: contract.CreateBuild, more?: CallOptions) =>
      post<contract.BuildSpec>(path`/projects/${project}/builds`, body, more),
    listBuilds: (project: string, query?: contract.ListBuilds): Page<contract.ListedBuild> =>
      get(path`/projects/${project}/builds`, query),
    getBuild: (buildId: string) => get<contract.BuildSpec>(path`/builds/${buildId}`),
    deleteBuild: (buildId: string, more?: CallOptions) => remove(path`/builds/${buildId}`, undefined, more),
    pruneBuilds: (project: string, body?: contract.PruneBuilds, more?: CallOptions) =>
      post<contract.PrunedBuilds>(path`/projects/${project}/builds/prune`, body, more),
    startBuildRun: (buildId: string, body?: contract.StartBuildRun, more?: CallOptions) =>
      post<contract.BuildRun>(path`/builds/${buildId}/runs`, body, more),
    listBuildRuns: (buildId: string, query?: Paging): Page<contract.BuildRun> =>
      get(path`/builds/${buildId}/runs`, query),
    getBuildRun: (buildId: string, runId: string) => get<contract.BuildRun>(path`/builds/${buildId}/runs/${runId}`),
    cancelBuild: (buildId: string, body?: contract.CancelBuild, more?: CallOptions) =>
      post<contract.BuildRun>(path`/builds/${buildId}/cancel`, body, more),
    verifyBuild: (buildId: string, body?: contract.VerifyBuild, more?: CallOptions) =>
      post<contract.BuildRun>(path`/builds/${buildId}/verify`, body, more),
    listBuildSteps: (buildId: string, runId: string): Page<contract.BuildStep> =>
      get(path`/builds/${buildId}/runs/${runId}/steps`),
    listBuildArtifacts: (buildId: string, query?: { run_id?: string }): Page<contract.BuildArtifact> =>
      get(path`/builds/${buildId}/artifacts`, query),
    diagnoseBuild: (buildId: string) => get<contract.BuildDiagnosis>(path`/builds/${buildId}/diagnose`),
    buildLogs: (buildId: string, query?: Omit<contract.BuildLogQuery, 'follow'>) =>
      get<contract.LogPage>(path`/builds/${buildId}/logs`, query),
    followBuildLogs: (buildId: string, follow?: FollowOptions & { runId?: string }): AsyncGenerator<LogEvent> =>
      followLog(options, path`/builds/${buildId}/logs`, follow),

    /** What waits or runs, of this organisation; of all with `all`. */
    listQueue: (query?: Omit<contract.QueueQuery, 'all'> & { all?: boolean }) => get<contract.Queue>('/queue', query),

    createRelease: (project: string, body: contract.CreateRelease, more?: CallOptions) =>
      post<contract.Release>(path`/projects/${project}/releases`, body, more),
    listReleases: (project: string, query?: Paging): Page<contract.Release> =>
      get(path`/projects/${project}/releases`, query),
    /** By tag or id; without a project, the only one that has the tag. */
    getRelease: (idOrTag: string, project?: string) =>
      get<contract.Release>(path`/releases/${idOrTag}`, { project_id: project }),

    createEnvironment: (project: string, body: contract.CreateEnvironment, more?: CallOptions) =>
      post<contract.Environment>(path`/projects/${project}/environments`, body, more),
    listEnvironments: (project: string, query?: Paging): Page<contract.Environment> =>
      get(path`/projects/${project}/environments`, query),
    getEnvironment: (project: string, name: string) => get<contract.Environment>(environment(project, name)),
    deleteEnvironment: (project: string, name: string, query?: { volumes?: boolean }, more?: CallOptions) =>
      remove(environment(project, name), query, more),
    environmentStatus: (project: string, name: string) =>
      get<contract.EnvironmentStatus>(`${environment(project, name)}/status`),
    suspendEnvironment: (project: string, name: string, more?: CallOptions) =>
      post<contract.Environment>(`${environment(project, name)}/suspend`, {}, more),
    resumeEnvironment: (project: string, name: string, more?: CallOptions) =>
      post<contract.Environment>(`${environment(project, name)}/resume`, {}, more),
    /** Null before the first one. */
    getConfiguration: (project: string, name: string) =>
      get<contract.ConfigVersion | null>(`${environment(project, name)}/config`),
    setConfiguration: (project: string, name: string, body: contract.SetConfiguration, more?: CallOptions) =>
      patch<contract.SetConfigurationAnswer>(`${environment(project, name)}/config`, body, more),
    listConfigurations: (project: string, name: string, query?: Paging): Page<contract.ConfigVersion> =>
      get(`${environment(project, name)}/config/history`, query),
    environmentLogs: (project: string, name: string, query: contract.EnvironmentLogQuery) =>
      get<contract.EnvironmentLogs>(`${environment(project, name)}/logs`, query),
    listRevisions: (project: string, name: string, query?: Paging): Page<contract.RevisionEntry> =>
      get(`${environment(project, name)}/history`, query),

    requestDeploy: (project: string, name: string, body: contract.RequestDeploy, more?: CallOptions) =>
      post<contract.DeployAnswer>(`${environment(project, name)}/deploy`, body, more),
    rollbackEnvironment: (project: string, name: string, body?: contract.RequestRollback, more?: CallOptions) =>
      post<contract.RollbackAnswer>(`${environment(project, name)}/rollback`, body, more),
    listDeploys: (project: string, name: string, query?: contract.ListDeploys): Page<contract.Deploy> =>
      get(`${environment(project, name)}/deploys`, query),
    getDeploy: (deployId: string) => get<contract.Deploy>(path`/deploys/${deployId}`),
    cancelDeploy: (deployId: string, more?: CallOptions) =>
      post<contract.Deploy>(path`/deploys/${deployId}/cancel`, {}, more),
    deployLogs: (deployId: string, query?: Omit<contract.LogQuery, 'follow'>) =>
      get<contract.LogPage>(path`/deploys/${deployId}/logs`, query),
    followDeployLogs: (deployId: string, follow?: FollowOptions): AsyncGenerator<LogEvent> =>
      followLog(options, path`/deploys/${deployId}/logs`, follow),

    listPipelines: (project: string): Page<contract.Pipeline> => get(path`/projects/${project}/pipelines`),
    getPipeline: (project: string, name: string) =>
      get<contract.Pipeline>(path`/projects/${project}/pipelines/${name}`),
    startPipelineRun: (project: string, name: string, body: contract.StartPipelineRun, more?: CallOptions) =>
      post<contract.PipelineRunDetail>(path`/projects/${project}/pipelines/${name}/run`, body, more),
    /** Of one pipeline, or of all. */
    listPipelineRuns: (
      project: string,
      name: string | undefined,
      query?: contract.ListPipelineRuns,
    ): Page<contract.PipelineRun> =>
      get(
        name === undefined ? path`/projects/${project}/runs` : path`/projects/${project}/pipelines/${name}/runs`,
        query,
      ),
    getPipelineRun: (runId: string) => get<contract.PipelineRunDetail>(path`/pipeline-runs/${runId}`),
    cancelPipelineRun: (runId: string, more?: CallOptions) =>
      post<contract.PipelineRunDetail>(path`/pipeline-runs/${runId}/cancel`, {}, more),
  };
}

/** Where a secret belongs: to a project, or to the organisation (id or slug). */
export type SecretScope =
  | { readonly project: string; readonly organisation?: undefined }
  | { readonly project?: undefined; readonly organisation: string };

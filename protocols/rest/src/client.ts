import {
  type FollowOptions,
  followLog,
  followServiceLog,
  type LogEvent,
  type ServiceLogEvent,
} from './client/follow.ts';
import { type Call, type CallOptions, type ClientOptions, json, path, send } from './client/transport.ts';
import type * as contract from './contract/index.ts';

export { type FollowOptions, type LogEvent, type ServiceLogEvent, serverSentEvents } from './client/follow.ts';
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
  const release = (project: string, idOrTag: string) => path`/projects/${project}/releases/by-tag/${idOrTag}`;
  const secrets = ({ project, organisation }: SecretScope) => {
    if (project !== undefined) return path`/projects/${project}/secrets`;
    return organisation === undefined ? '/system/secrets' : path`/orgs/${organisation}/secrets`;
  };

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
    latestManifest: (project: string, query?: contract.LatestManifest) =>
      get<contract.Manifest | null>(path`/projects/${project}/manifest`, query),
    validateManifest: (project: string, body: contract.ValidateManifest = {}, more?: CallOptions) =>
      post<contract.ManifestValidation>(path`/projects/${project}/manifest/validate`, body, more),

    setSecret: (scope: SecretScope, body: contract.SetSecret, more?: CallOptions) =>
      post<contract.SecretWithUses>(secrets(scope), body, more),
    /** With `inherited` also what a project gets from wider scopes. */
    listSecrets: (scope: SecretScope, query?: Paging & { inherited?: boolean }): Page<contract.Secret> =>
      get(secrets(scope), query),
    showSecret: (scope: SecretScope, key: string, query?: { inherited?: boolean }) =>
      get<contract.ShownSecret>(`${secrets(scope)}${path`/${key}`}`, query),
    deleteSecret: (scope: SecretScope, key: string, more?: CallOptions) =>
      remove(`${secrets(scope)}${path`/${key}`}`, undefined, more),
    validateSecrets: (project: string, body: contract.ValidateSecrets) =>
      post<contract.SecretValidation>(path`/projects/${project}/secrets/validate`, body),
    /** Called again until it is done. */
    rotateMasterKey: (more?: CallOptions) => post<contract.KeyRotation>('/system/master-key/rotate', {}, more),

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

    getRetention: () => get<contract.Retention>('/gc'),
    collectGarbage: (body: contract.CollectGarbage, more?: CallOptions) =>
      post<contract.GarbageReport>('/gc', body, more),

    createRelease: (project: string, body: contract.CreateRelease, more?: CallOptions) =>
      post<contract.CreatedRelease>(path`/projects/${project}/releases`, body, more),
    listReleases: (project: string, query?: contract.ListReleases): Page<contract.ListedRelease> =>
      get(path`/projects/${project}/releases`, query),
    /** By tag or id; without a project, the only one that has the tag. */
    getRelease: (idOrTag: string, project?: string) =>
      get<contract.ReleaseDetail>(path`/releases/${idOrTag}`, { project_id: project }),
    diffReleases: (project: string, query: contract.DiffReleases) =>
      get<contract.ReleaseDiff>(path`/projects/${project}/releases/diff`, query),
    /** A Kubernetes ConfigMap in YAML. */
    releaseManifest: async (project: string, idOrTag: string) => {
      const about = { headers: { accept: 'application/yaml, application/problem+json' } };
      return (await send(options, 'GET', `${release(project, idOrTag)}/manifest`, about)).text();
    },
    blockRelease: (project: string, idOrTag: string, body: contract.BlockRelease, more?: CallOptions) =>
      post<contract.ListedRelease>(`${release(project, idOrTag)}/block`, body, more),
    unblockRelease: (project: string, idOrTag: string, more?: CallOptions) =>
      post<contract.ListedRelease>(`${release(project, idOrTag)}/unblock`, {}, more),
    deleteRelease: (project: string, idOrTag: string, more?: CallOptions) =>
      remove(release(project, idOrTag), undefined, more),
    pruneReleases: (project: string, body?: contract.PruneReleases, more?: CallOptions) =>
      post<contract.PrunedReleases>(path`/projects/${project}/releases/prune`, body, more),

    createEnvironment: (project: string, body: contract.CreateEnvironment, more?: CallOptions) =>
      post<contract.Environment>(path`/projects/${project}/environments`, body, more),
    listEnvironments: (project: string, query?: Paging): Page<contract.Environment> =>
      get(path`/projects/${project}/environments`, query),
    getEnvironment: (project: string, name: string) => get<contract.EnvironmentDetail>(environment(project, name)),
    /** With `expected_version` refused where somebody else was faster. */
    updateEnvironment: (project: string, name: string, body: contract.UpdateEnvironment, more?: CallOptions) =>
      patch<contract.Environment>(environment(project, name), body, more),
    lockEnvironment: (project: string, name: string, body: contract.LockEnvironment, more?: CallOptions) =>
      post<contract.Environment>(`${environment(project, name)}/lock`, body, more),
    unlockEnvironment: (project: string, name: string, more?: CallOptions) =>
      post<contract.UnlockedEnvironment>(`${environment(project, name)}/unlock`, {}, more),
    environmentDrift: (project: string, name: string, query?: Paging) =>
      get<contract.EnvironmentDrift>(`${environment(project, name)}/drift`, query),
    repairEnvironment: (project: string, name: string, more?: CallOptions) =>
      post<contract.Deploy>(`${environment(project, name)}/repair`, {}, more),
    diagnoseEnvironment: (project: string, name: string) =>
      get<contract.EnvironmentDiagnosis>(`${environment(project, name)}/diagnose`),
    /** Of a project, or of all that the token may see. */
    board: (project: string | null, query?: Paging) =>
      get<contract.Board>(project === null ? '/board' : path`/projects/${project}/board`, query),
    deleteEnvironment: (project: string, name: string, query?: { volumes?: boolean }, more?: CallOptions) =>
      remove(environment(project, name), query, more),
    environmentStatus: (project: string, name: string) =>
      get<contract.EnvironmentStatus>(`${environment(project, name)}/status`),
    suspendEnvironment: (project: string, name: string, body: { reason?: string } = {}, more?: CallOptions) =>
      post<contract.Environment>(`${environment(project, name)}/suspend`, body, more),
    resumeEnvironment: (project: string, name: string, more?: CallOptions) =>
      post<contract.Environment>(`${environment(project, name)}/resume`, {}, more),
    /** Null before the first one. */
    getConfiguration: (project: string, name: string) =>
      get<contract.NewestConfiguration | null>(`${environment(project, name)}/config`),
    setConfiguration: (project: string, name: string, body: contract.SetConfiguration, more?: CallOptions) =>
      patch<contract.SetConfigurationAnswer>(`${environment(project, name)}/config`, body, more),
    applyConfiguration: (project: string, name: string, more?: CallOptions) =>
      post<contract.AppliedConfiguration>(`${environment(project, name)}/config/apply`, {}, more),
    compareConfigurations: (project: string, name: string, query?: contract.ConfigDiffQuery) =>
      get<contract.ConfigDiff>(`${environment(project, name)}/config/diff`, query),
    getConfigVersion: (project: string, name: string, number: number) =>
      get<contract.ConfigVersion>(`${environment(project, name)}/config${path`/versions/${number}`}`),
    listConfigurations: (project: string, name: string, query?: Paging): Page<contract.ConfigVersion> =>
      get(`${environment(project, name)}/config/history`, query),
    environmentLogs: (project: string, name: string, query?: EnvironmentLogQuestion) =>
      get<contract.ServiceLogs>(`${environment(project, name)}/logs`, query),
    /** Until the signal, or until the environment is deleted. */
    followEnvironmentLogs: (
      project: string,
      name: string,
      query: EnvironmentLogQuestion,
      { signal }: Pick<CallOptions, 'signal'> = {},
    ): AsyncGenerator<ServiceLogEvent> =>
      followServiceLog(options, `${environment(project, name)}/logs`, { ...query }, signal),
    listRevisions: (project: string, name: string, query?: Paging): Page<contract.RevisionEntry> =>
      get(`${environment(project, name)}/history`, query),

    requestDeploy: (project: string, name: string, body: Omit<contract.RequestDeploy, 'dry_run'>, more?: CallOptions) =>
      post<contract.DeployAnswer>(`${environment(project, name)}/deploy`, body, more),
    /** What a deploy would do. */
    planDeploy: (project: string, name: string, body: contract.RequestDeploy) =>
      post<contract.DeployPlan>(`${environment(project, name)}/deploy`, { ...body, dry_run: true }),
    rollbackEnvironment: (project: string, name: string, body?: contract.RequestRollback, more?: CallOptions) =>
      post<contract.RollbackAnswer>(`${environment(project, name)}/rollback`, body, more),
    listDeploys: (project: string, name: string, query?: contract.ListDeploys): Page<contract.Deploy> =>
      get(`${environment(project, name)}/deploys`, query),
    listProjectDeploys: (project: string, query?: contract.ListProjectDeploys): Page<contract.DeployDetail> =>
      get(path`/projects/${project}/deploys`, query),
    getDeploy: (deployId: string) => get<contract.DeployDetail>(path`/deploys/${deployId}`),
    deployInstances: (deployId: string): Page<contract.DeployInstance> => get(path`/deploys/${deployId}/instances`),
    cancelDeploy: (deployId: string, body?: contract.CancelDeploy, more?: CallOptions) =>
      post<contract.Deploy>(path`/deploys/${deployId}/cancel`, body, more),
    approveDeploy: (deployId: string, more?: CallOptions) =>
      post<contract.Deploy>(path`/deploys/${deployId}/approve`, {}, more),
    rejectDeploy: (deployId: string, body?: contract.CancelDeploy, more?: CallOptions) =>
      post<contract.Deploy>(path`/deploys/${deployId}/reject`, body, more),
    promoteDeploy: (deployId: string, body?: contract.PromoteDeploy, more?: CallOptions) =>
      post<contract.Deploy>(path`/deploys/${deployId}/promote`, body, more),
    pauseDeploy: (deployId: string, more?: CallOptions) =>
      post<contract.Deploy>(path`/deploys/${deployId}/pause`, {}, more),
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

/** Whose lines are asked for, and which. */
export type EnvironmentLogQuestion = Omit<contract.EnvironmentLogQuery, 'follow' | 'previous' | 'pod'> & {
  readonly previous?: boolean;
};

/** Where a secret belongs: to a project, to the organisation (id or slug), or to the whole installation. */
export type SecretScope =
  | { readonly project: string; readonly organisation?: undefined }
  | { readonly project?: undefined; readonly organisation: string }
  | { readonly project?: undefined; readonly organisation?: undefined; readonly system: true };

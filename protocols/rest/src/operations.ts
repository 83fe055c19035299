import type * as all from '@eve/operations';
import type { Platform } from '@eve/operations';
import type { LogEnds } from './log-ends.ts';

/** What this protocol calls. The real ones are the default; a test gives scripted ones. */
export type Operations = Pick<
  typeof all,
  | 'authenticate'
  | 'buildRunWaiting'
  | 'cancelBuildRun'
  | 'cancelDeploy'
  | 'cancelPipelineRun'
  | 'createBuild'
  | 'createEnvironment'
  | 'createOrganisation'
  | 'createProject'
  | 'createRelease'
  | 'createToken'
  | 'deleteBuild'
  | 'deleteEnvironment'
  | 'deleteSecret'
  | 'diagnoseBuild'
  | 'ensureProject'
  | 'environmentLogs'
  | 'environmentStatus'
  | 'findBuildRun'
  | 'getBuild'
  | 'getConfiguration'
  | 'getDeploy'
  | 'getEnvironment'
  | 'getPipelineRun'
  | 'getProject'
  | 'getRelease'
  | 'latestManifest'
  | 'listBuildArtifacts'
  | 'listBuildRuns'
  | 'listBuilds'
  | 'listBuildSteps'
  | 'listConfigurations'
  | 'listDeploys'
  | 'listEnvironments'
  | 'listOrganisations'
  | 'listPipelineRuns'
  | 'listPipelines'
  | 'listProjects'
  | 'listQueue'
  | 'listReleases'
  | 'listRevisions'
  | 'listSecrets'
  | 'listTokens'
  | 'manifestJsonSchema'
  | 'missingSecrets'
  | 'openLog'
  | 'parseManifest'
  | 'pruneBuilds'
  | 'renderImage'
  | 'requestDeploy'
  | 'resolveRef'
  | 'revokeToken'
  | 'rollbackEnvironment'
  | 'setConfiguration'
  | 'setSecret'
  | 'setSuspended'
  | 'showSecret'
  | 'startBuildRun'
  | 'startPipelineRun'
  | 'syncManifest'
  | 'updateProject'
  | 'uploadSource'
  | 'validateManifest'
  | 'verifyBuild'
>;

export type OpenLog = Awaited<ReturnType<Operations['openLog']>>;
export type Diagnosis = Awaited<ReturnType<Operations['diagnoseBuild']>>;
export type QueueView = Awaited<ReturnType<Operations['listQueue']>>;
export type DeployAnswer = Awaited<ReturnType<Operations['requestDeploy']>>;
export type EnvironmentStatus = Awaited<ReturnType<Operations['environmentStatus']>>;

/** What every route file needs. */
export interface Context {
  readonly platform: Platform;
  readonly operations: Operations;
  /** Ends what is followed when the server stops. */
  readonly closing: AbortSignal;
  readonly logEnds: LogEnds;
}

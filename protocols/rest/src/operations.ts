import type * as all from '@eve/operations';
import type { Platform } from '@eve/operations';
import type { LogEnds } from './log-ends.ts';

/** What this protocol calls. The real ones are the default; a test gives scripted ones. */
export type Operations = Pick<
  typeof all,
  | 'applyConfiguration'
  | 'approveDeploy'
  | 'authenticate'
  | 'blockRelease'
  | 'buildRunWaiting'
  | 'cancelBuildRun'
  | 'cancelDeploy'
  | 'cancelPipelineRun'
  | 'collectGarbage'
  | 'compareConfigurations'
  | 'createBuild'
  | 'createEnvironment'
  | 'createOrganisation'
  | 'createProject'
  | 'createRelease'
  | 'createToken'
  | 'deleteBuild'
  | 'deleteEnvironment'
  | 'deleteRelease'
  | 'deleteSecret'
  | 'deployBefore'
  | 'deployInstances'
  | 'describeDeploy'
  | 'diagnoseBuild'
  | 'diagnoseEnvironment'
  | 'diffReleases'
  | 'ensureProject'
  | 'environmentLogs'
  | 'environmentStatus'
  | 'findBuildRun'
  | 'followEnvironmentLogs'
  | 'getBuild'
  | 'getConfigVersion'
  | 'getConfiguration'
  | 'getEnvironment'
  | 'getPipelineRun'
  | 'getProject'
  | 'latestManifest'
  | 'listBuildArtifacts'
  | 'listBuildRuns'
  | 'listBuildSteps'
  | 'listBuilds'
  | 'listConfigurations'
  | 'listDeploys'
  | 'listDrift'
  | 'listEnvironments'
  | 'listOrganisations'
  | 'listPipelineRuns'
  | 'listPipelines'
  | 'listProjectDeploys'
  | 'listProjects'
  | 'listQueue'
  | 'listReleases'
  | 'listRevisions'
  | 'listSecrets'
  | 'listTokens'
  | 'listUsableSecrets'
  | 'lockEnvironment'
  | 'manifestJsonSchema'
  | 'missingSecrets'
  | 'openLog'
  | 'parseManifest'
  | 'pauseDeploy'
  | 'planDeploy'
  | 'promoteDeploy'
  | 'pruneBuilds'
  | 'pruneReleases'
  | 'readBoard'
  | 'rejectDeploy'
  | 'releaseManifest'
  | 'renderImage'
  | 'repairEnvironment'
  | 'requestDeploy'
  | 'readRetention'
  | 'resolveRef'
  | 'revokeToken'
  | 'rollbackEnvironment'
  | 'rotateMasterKey'
  | 'rulesOfEnvironment'
  | 'runningConfiguration'
  | 'secretUses'
  | 'setConfiguration'
  | 'setSecret'
  | 'setSuspended'
  | 'showRelease'
  | 'showSecret'
  | 'startBuildRun'
  | 'startPipelineRun'
  | 'suggestSecrets'
  | 'syncManifest'
  | 'unblockRelease'
  | 'unlockEnvironment'
  | 'updateEnvironment'
  | 'updateProject'
  | 'uploadSource'
  | 'validateManifest'
  | 'verifyBuild'
>;

export type OpenLog = Awaited<ReturnType<Operations['openLog']>>;
export type Diagnosis = Awaited<ReturnType<Operations['diagnoseBuild']>>;
export type ShownRelease = Awaited<ReturnType<Operations['showRelease']>>;
export type PrunedReleases = Awaited<ReturnType<Operations['pruneReleases']>>;
export type ReleaseDifference = Awaited<ReturnType<Operations['diffReleases']>>;
export type QueueView = Awaited<ReturnType<Operations['listQueue']>>;
export type DescribedDeploy = Awaited<ReturnType<Operations['describeDeploy']>>;
export type PlannedDeploy = Awaited<ReturnType<Operations['planDeploy']>>;
export type DeployAnswer = Awaited<ReturnType<Operations['requestDeploy']>>;
export type EnvironmentStatus = Awaited<ReturnType<Operations['environmentStatus']>>;
export type EnvironmentDiagnosis = Awaited<ReturnType<Operations['diagnoseEnvironment']>>;
export type DriftView = Awaited<ReturnType<Operations['listDrift']>>;
export type Board = Awaited<ReturnType<Operations['readBoard']>>;

/** What every route file needs. */
export interface Context {
  readonly platform: Platform;
  readonly operations: Operations;
  /** Ends what is followed when the server stops. */
  readonly closing: AbortSignal;
  readonly logEnds: LogEnds;
}

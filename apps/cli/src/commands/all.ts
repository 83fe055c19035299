import type { Command } from '../command.ts';
import { authLogin } from './auth/login.ts';
import { authLogout } from './auth/logout.ts';
import { authStatus } from './auth/status.ts';
import { buildArtifacts } from './build/artifacts.ts';
import { buildCancel } from './build/cancel.ts';
import { buildCreate } from './build/create.ts';
import { buildDelete } from './build/delete.ts';
import { buildDiagnose } from './build/diagnose.ts';
import { buildList } from './build/list.ts';
import { buildLogs } from './build/logs.ts';
import { buildPrune } from './build/prune.ts';
import { buildRun } from './build/run.ts';
import { buildRuns } from './build/runs.ts';
import { buildShow } from './build/show.ts';
import { buildSteps } from './build/steps.ts';
import { buildVerify } from './build/verify.ts';
import { completion } from './completion.ts';
import { configApply } from './config/apply.ts';
import { configDiff } from './config/diff.ts';
import { configHistory } from './config/history.ts';
import { configList } from './config/list.ts';
import { configRestore } from './config/restore.ts';
import { configSet } from './config/set.ts';
import { configShow } from './config/show.ts';
import { configUnset } from './config/unset.ts';
import { deployAbort, deployCancel } from './deploy/abort.ts';
import { deployApprove } from './deploy/approve.ts';
import { deployList } from './deploy/list.ts';
import { deployLogs } from './deploy/logs.ts';
import { deployPause } from './deploy/pause.ts';
import { deployPromote } from './deploy/promote.ts';
import { deployReject } from './deploy/reject.ts';
import { deployShow } from './deploy/show.ts';
import { deployWait } from './deploy/wait.ts';
import { doctor } from './doctor.ts';
import { envBoard } from './env/board.ts';
import { envCreate } from './env/create.ts';
import { envDelete } from './env/delete.ts';
import { envDeploy } from './env/deploy.ts';
import { envDeploys } from './env/deploys.ts';
import { envDiagnose } from './env/diagnose.ts';
import { envDrift } from './env/drift.ts';
import { envHistory } from './env/history.ts';
import { envList } from './env/list.ts';
import { envLock } from './env/lock.ts';
import { envLogs } from './env/logs.ts';
import { envRepair } from './env/repair.ts';
import { envResume } from './env/resume.ts';
import { envRollback } from './env/rollback.ts';
import { envShow } from './env/show.ts';
import { envStatus } from './env/status.ts';
import { envSuspend } from './env/suspend.ts';
import { envUnlock } from './env/unlock.ts';
import { envUpdate } from './env/update.ts';
import { gc } from './gc.ts';
import { init } from './init.ts';
import { localDown } from './local/down.ts';
import { manifestValidate } from './manifest/validate.ts';
import { orgCreate } from './org/create.ts';
import { orgList } from './org/list.ts';
import { pipelineCancel } from './pipeline/cancel.ts';
import { pipelineList } from './pipeline/list.ts';
import { pipelineRun } from './pipeline/run.ts';
import { pipelineRuns } from './pipeline/runs.ts';
import { pipelineShow } from './pipeline/show.ts';
import { pipelineShowRun } from './pipeline/show-run.ts';
import { projectCreate } from './project/create.ts';
import { projectEnsure } from './project/ensure.ts';
import { projectList } from './project/list.ts';
import { projectShow } from './project/show.ts';
import { projectSync } from './project/sync.ts';
import { projectUpdate } from './project/update.ts';
import { queueList } from './queue/list.ts';
import { releaseBlock } from './release/block.ts';
import { releaseCreate } from './release/create.ts';
import { releaseDelete } from './release/delete.ts';
import { releaseDiff } from './release/diff.ts';
import { releaseList } from './release/list.ts';
import { releaseManifest } from './release/manifest.ts';
import { releasePrune } from './release/prune.ts';
import { releaseResolve } from './release/resolve.ts';
import { releaseShow } from './release/show.ts';
import { releaseUnblock } from './release/unblock.ts';
import { secretsDelete } from './secrets/delete.ts';
import { secretsImport } from './secrets/import.ts';
import { secretsList } from './secrets/list.ts';
import { secretsRotateKey } from './secrets/rotate-key.ts';
import { secretsSet } from './secrets/set.ts';
import { secretsShow } from './secrets/show.ts';
import { secretsValidate } from './secrets/validate.ts';
import { tokenCreate } from './token/create.ts';
import { tokenList } from './token/list.ts';
import { tokenRevoke } from './token/revoke.ts';

/** Every command, in the order of the help. */
export const allCommands: readonly Command[] = [
  buildList,
  buildShow,
  buildCreate,
  buildRun,
  buildRuns,
  buildLogs,
  buildSteps,
  buildArtifacts,
  buildDiagnose,
  buildCancel,
  buildVerify,
  buildDelete,
  buildPrune,
  queueList,
  releaseCreate,
  releaseList,
  releaseShow,
  releaseResolve,
  releaseDiff,
  releaseManifest,
  releaseBlock,
  releaseUnblock,
  releaseDelete,
  releasePrune,
  envList,
  envBoard,
  envShow,
  envStatus,
  envDiagnose,
  envCreate,
  envUpdate,
  envDelete,
  envDeploy,
  envRollback,
  envHistory,
  envDeploys,
  envLogs,
  envDrift,
  envRepair,
  envLock,
  envUnlock,
  envSuspend,
  envResume,
  deployList,
  deployShow,
  deployLogs,
  deployWait,
  deployApprove,
  deployReject,
  deployPromote,
  deployPause,
  deployAbort,
  deployCancel,
  pipelineList,
  pipelineShow,
  pipelineRun,
  pipelineRuns,
  pipelineShowRun,
  pipelineCancel,
  projectCreate,
  projectEnsure,
  projectList,
  projectShow,
  projectUpdate,
  projectSync,
  manifestValidate,
  secretsSet,
  secretsList,
  secretsShow,
  secretsDelete,
  secretsValidate,
  secretsImport,
  secretsRotateKey,
  configList,
  configSet,
  configUnset,
  configHistory,
  configShow,
  configDiff,
  configRestore,
  configApply,
  authLogin,
  authStatus,
  authLogout,
  orgList,
  orgCreate,
  tokenCreate,
  tokenList,
  tokenRevoke,
  localDown,
  gc,
  init,
  doctor,
  completion(() => allCommands),
];

import type { BuildId, BuildRunId, DeployId, OrganisationId } from '@eve/domain';
import { isBuildRunFinished, isDeployFinished, PlatformError } from '@eve/domain';
import { buildRunWaiting, findBuildRun } from '../builds/read-builds.ts';
import { authorize, type Caller } from '../caller.ts';
import { waitingDeploy } from '../deploys/waiting-deploy.ts';
import type { Platform } from '../platform.ts';
import { waitingInWords } from '../work/waiting-in-words.ts';

/** A log that may be read or followed with the port `logs`. */
export interface OpenLog {
  readonly subject: { readonly tenantId: OrganisationId; readonly id: string };
  /** The final state once there is one, after which no line is added. */
  finished(): Promise<{ state: string; failure: { code: string; message: string; hint: string } | null } | null>;
  /** Why it has not begun, in words; null once it has. */
  waiting(): Promise<string | null>;
}

/** Opens the log of a build (its newest run, or the given one) or of a deploy. Throws `build_run_not_found` when it never ran. */
export async function openLog(
  platform: Pick<Platform, 'store' | 'queue'>,
  caller: Caller,
  of: { buildId: BuildId; runId?: BuildRunId } | { deployId: DeployId },
): Promise<OpenLog> {
  const { store } = platform;
  if ('deployId' in of) {
    const deploy = await store.deploys.get(caller.tenantId, of.deployId);
    authorize(caller, 'read', deploy.projectId);
    return {
      subject: { tenantId: caller.tenantId, id: deploy.id },
      async finished() {
        const { status, failure } = await store.deploys.get(caller.tenantId, deploy.id);
        return isDeployFinished({ status }) ? { state: status, failure } : null;
      },
      waiting: async () => waitingDeploy(platform, await store.deploys.get(caller.tenantId, deploy.id)),
    };
  }
  const run = await findBuildRun(platform, caller, of.buildId, of.runId);
  if (!run)
    throw new PlatformError(
      'build_run_not_found',
      `Build ${of.buildId} has not run yet: start it with \`eve build run ${of.buildId}\`.`,
    );
  return {
    subject: { tenantId: caller.tenantId, id: run.id },
    async finished() {
      const now = await store.buildRuns.get(caller.tenantId, run.id);
      return isBuildRunFinished(now) ? { state: now.status, failure: now.failure } : null;
    },
    waiting: async () =>
      waitingInWords(await buildRunWaiting(platform, await store.buildRuns.get(caller.tenantId, run.id))),
  };
}

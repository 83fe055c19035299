import {
  advanceDeploy,
  type Deploy,
  type DeployId,
  type DeployStatus,
  isDeployFinished,
  PlatformError,
  type ProjectId,
  type Release,
  type Revision,
} from '@eve/domain';
import { authorize, type Caller } from '../caller.ts';
import { getEnvironment } from '../environments/get-environment.ts';
import { advanceStepOf } from '../pipelines/advance-step-of.ts';
import type { Platform } from '../platform.ts';
import type { Listed, Page } from '../ports/stored.ts';
import { deployWork } from './queue-deploy.ts';

/** One deploy. Throws `deploy_not_found`. */
export async function getDeploy(
  { store }: Pick<Platform, 'store'>,
  caller: Caller,
  deployId: DeployId,
): Promise<Deploy> {
  const deploy = await store.deploys.get(caller.tenantId, deployId);
  authorize(caller, 'read', deploy.projectId);
  return deploy;
}

/** The deploys of an environment, newest first. */
export async function listDeploys(
  platform: Pick<Platform, 'store'>,
  caller: Caller,
  projectId: ProjectId,
  envName: string,
  page: Page & { status?: DeployStatus },
): Promise<Listed<Deploy>> {
  const environment = await getEnvironment(platform, caller, projectId, envName);
  return platform.store.deploys.list(environment.tenantId, environment.id, page);
}

/** A revision with what it releases and the deploy that was to make it serve. */
export interface RevisionEntry {
  readonly revision: Revision;
  readonly release: Release;
  readonly deploy: Deploy | null;
  readonly current: boolean;
}

/** The revisions of an environment with what they release, newest first. */
export async function listRevisions(
  platform: Pick<Platform, 'store'>,
  caller: Caller,
  projectId: ProjectId,
  envName: string,
  page: Page,
): Promise<Listed<RevisionEntry>> {
  const environment = await getEnvironment(platform, caller, projectId, envName);
  const { items, nextCursor } = await platform.store.revisions.list(environment.tenantId, environment.id, page);
  const deploys = await platform.store.deploys.ofRevisions(
    environment.tenantId,
    items.map(({ id }) => id),
  );
  const entries = items.map(async (revision) => ({
    revision,
    release: await platform.store.releases.get(environment.tenantId, revision.releaseId),
    deploy: deploys.findLast(({ revisionId }) => revisionId === revision.id) ?? null,
    current: revision.id === environment.currentRevisionId,
  }));
  return { items: await Promise.all(entries), nextCursor };
}

/** Asks a deploy to end: a waiting one is cancelled at once, a running one when what it started is gone. Throws `state_transition_invalid`. */
export async function cancelDeploy(
  platform: Pick<Platform, 'store' | 'now'>,
  caller: Caller,
  deployId: DeployId,
): Promise<Deploy> {
  const { store, now } = platform;
  const found = await getDeploy(platform, caller, deployId);
  authorize(caller, 'deploy', found.projectId);
  if (isDeployFinished(found)) throw ended(found);
  return store.transaction(async (records) => {
    const asked = await records.deploys.requestCancel(caller.tenantId, deployId, caller.actor, now());
    if (isDeployFinished(asked)) throw ended(asked);
    const outcome = await records.queue.cancel('execute-deploy', deployId);
    if (outcome === 'signalled') return asked;
    if (asked.status === 'deploying') {
      // It waited for its next attempt: only a worker can remove what it started.
      await records.queue.add(deployWork(asked));
      return asked;
    }
    const cancelled = advanceDeploy(asked, { type: 'cancel' }, now());
    await records.deploys.update(cancelled, { was: asked.status, event: 'cancel', actor: caller.actor, lease: null });
    await advanceStepOf(records, cancelled);
    return cancelled;
  });
}

function ended({ id, status }: Deploy): PlatformError {
  return new PlatformError('state_transition_invalid', `Deploy ${id} has already ended: it is ${status}.`);
}

import type { ConfigVersion, Deploy, DeployStatus, ProjectId, Release, Revision } from '@eve/domain';
import type { Caller } from '../caller.ts';
import { getEnvironment } from '../environments/get-environment.ts';
import type { Listed, Page } from '../ports/stored.ts';
import { type RestorableCode, restorableRevisions } from '../retention/restorable.ts';
import { statusOf } from './rollback-environment.ts';

/** A revision with what it releases and the deploy that was to make it serve. */
export interface RevisionEntry {
  readonly revision: Revision;
  readonly release: Release;
  readonly config: ConfigVersion;
  /** The first one: later ones repaired it. */
  readonly deploy: Deploy | null;
  readonly deployStatus: DeployStatus | null;
  readonly current: boolean;
  /** Whether a rollback can bring it back, and why not. */
  readonly restorable: { readonly code: RestorableCode; readonly reason: string | null };
}

/** The revisions of an environment with what they release and whether they can be restored, newest first. */
export async function listRevisions(
  platform: Parameters<typeof restorableRevisions>[0],
  caller: Caller,
  projectId: ProjectId,
  envName: string,
  page: Page,
): Promise<Listed<RevisionEntry>> {
  const { store } = platform;
  const environment = await getEnvironment(platform, caller, projectId, envName);
  const { tenantId } = environment;
  const { items, nextCursor } = await store.revisions.list(tenantId, environment.id, page);
  const deploys = await store.deploys.ofRevisions(
    tenantId,
    items.map(({ id }) => id),
  );
  const found = await restorableRevisions(platform, environment, items);
  const entries = found.map(async ({ revision, release, code, reason }): Promise<RevisionEntry> => {
    const own = deploys.filter(({ revisionId }) => revisionId === revision.id);
    return {
      revision,
      release,
      config: await store.configVersions.get(tenantId, revision.configVersionId),
      deploy: own[0] ?? null,
      deployStatus: statusOf(own),
      current: revision.id === environment.currentRevisionId,
      restorable: { code, reason },
    };
  });
  return { items: await Promise.all(entries), nextCursor };
}

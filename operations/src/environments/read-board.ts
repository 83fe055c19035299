import type { EnvironmentId, ProjectId } from '@eve/domain';
import { authorize, type Caller } from '../caller.ts';
import type { Platform } from '../platform.ts';
import type { BoardRecord, Listed, Page } from '../ports/stored.ts';
import { findProject } from '../projects/get-project.ts';

const engineMs = 3_000;

export interface BoardRow extends BoardRecord {
  readonly health: 'ready' | 'deploying' | 'degraded' | 'unknown';
}

export interface Board extends Listed<BoardRow> {
  /** False where nobody looks for drift, or the engine does not answer: then health is what was last recorded, or not known. */
  readonly engineAnswers: boolean;
  readonly watched: boolean;
}

/**
 * What runs where: of a project, or of all that the caller may see. Health is what the watcher of drift has found within the last
 * seconds, so that a board costs one statement and one question to the engine however many environments there are.
 */
export async function readBoard(
  { store, deployer, settings, log }: Pick<Platform, 'store' | 'deployer' | 'settings' | 'log'>,
  caller: Caller,
  { projectId, page }: { readonly projectId?: ProjectId; readonly page: Page },
): Promise<Board> {
  if (projectId) await findProject({ store }, caller, 'read', projectId);
  else authorize(caller, 'read');
  const only = projectId ?? caller.projectId;
  const { items, nextCursor } = await store.environments.board(caller.tenantId, only ? { projectId: only } : {}, page);
  const some = items.find(({ release }) => release !== null);
  const engineAnswers = some === undefined || (await answers({ deployer, log }, some.id));
  return {
    items: items.map((row) => ({ ...row, health: healthOf(row, engineAnswers) })),
    nextCursor,
    engineAnswers,
    watched: settings.driftMs > 0,
  };
}

function healthOf({ active, waiting, release, drift }: BoardRecord, engineAnswers: boolean): BoardRow['health'] {
  if (active || waiting?.status === 'pending') return 'deploying';
  if (!release || !engineAnswers) return 'unknown';
  return drift ? 'degraded' : 'ready';
}

async function answers(
  { deployer, log }: Pick<Platform, 'deployer' | 'log'>,
  environmentId: EnvironmentId,
): Promise<boolean> {
  const silent = Promise.withResolvers<boolean>();
  const timer = setTimeout(() => silent.resolve(false), engineMs);
  const observed = deployer.observe(environmentId).then(
    () => true,
    (error: unknown) => {
      log.warn({ error }, 'the engine does not answer');
      return false;
    },
  );
  const answered = await Promise.race([observed, silent.promise]);
  clearTimeout(timer);
  return answered;
}

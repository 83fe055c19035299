import type { BuildId, BuildRunId, Deploy, DeployId, OrganisationId, ProjectId } from '@eve/domain';
import { buildRunDeadline, isId, PlatformError } from '@eve/domain';
import { authorize, type Caller } from '../caller.ts';
import type { Platform } from '../platform.ts';
import type { QueuedWork, QueuePage, WorkClass } from '../ports/work-queue.ts';
import { waitingInWords } from './waiting-in-words.ts';

/** Work that has not ended, with what people call the things it is about. */
export interface QueueEntry extends QueuedWork {
  /** Slugs. */
  readonly organisation: string;
  readonly project: string;
  /** Of a build run. */
  readonly build: { readonly id: BuildId; readonly number: number } | null;
  /** The environment's name, of a deploy. */
  readonly environment: string | null;
  /** Why it does not run, as a sentence; null while it runs. */
  readonly why: string | null;
  /** Of a build run: when it fails because it still waits, or still builds. */
  readonly deadlineAt: Date | null;
}

/** A page of the queue as lists show it. */
export interface QueueView extends QueuePage {
  readonly items: readonly QueueEntry[];
}

type Needs = Pick<Platform, 'store' | 'queue'>;

/** What runs and what waits, with places and reasons: of the own organisation, or of all for an operator; a token of one project sees that project's. */
export async function listQueue(
  platform: Needs,
  caller: Caller,
  page: { classes?: readonly WorkClass[]; all?: boolean; limit: number; cursor?: string },
): Promise<QueueView> {
  authorize(caller, 'read');
  const { classes = ['build', 'deploy'], all = false, limit, cursor } = page;
  if (all && !caller.operator) {
    throw new PlatformError(
      'caller_forbidden',
      'The queue of all organisations is for an operator of the installation.',
    );
  }
  const asked = { classes, limit: Math.min(limit, 100), ...(cursor !== undefined && { cursor }) };
  const found = await platform.queue.list(all ? null : caller.tenantId, asked);
  const names = namesFrom(platform);
  const visible = found.items.filter(({ projectId }) => caller.projectId === null || projectId === caller.projectId);
  const items: QueueEntry[] = [];
  for (const work of visible) {
    const entry = await entryOf(platform, names, work);
    if (entry) items.push(entry);
  }
  return { ...found, items };
}

/** Null when the record ended and went since the page was read. */
async function entryOf({ store }: Pick<Needs, 'store'>, names: Names, work: QueuedWork): Promise<QueueEntry | null> {
  try {
    const place = { organisation: await names.organisation(work.tenantId), project: await names.project(work) };
    const { reason, position } = work;
    const why = waitingInWords(reason && position !== null ? { reason, position } : null);
    if (isId('brun', work.id)) {
      const build = await buildOf({ store }, work, work.id);
      return { ...work, ...place, ...build, environment: null, why };
    }
    const environment = isId('dep', work.id) ? await names.environment(work, work.id) : null;
    return { ...work, ...place, build: null, environment, why, deadlineAt: null };
  } catch (error) {
    if (error instanceof PlatformError && error.kind === 'not_found') return null;
    throw error;
  }
}

async function buildOf(
  { store }: Pick<Needs, 'store'>,
  { tenantId }: QueuedWork,
  id: BuildRunId,
): Promise<Pick<QueueEntry, 'build' | 'deadlineAt'>> {
  const run = await store.buildRuns.get(tenantId, id);
  const { number } = await store.buildSpecs.get(tenantId, run.buildId);
  return { build: { id: run.buildId, number }, deadlineAt: buildRunDeadline(run) };
}

interface Names {
  organisation(id: OrganisationId): Promise<string>;
  project(of: { tenantId: OrganisationId; projectId: ProjectId }): Promise<string>;
  environment(of: { tenantId: OrganisationId }, id: DeployId): Promise<string>;
}

/** Looks each name up once for a page. */
function namesFrom({ store }: Pick<Needs, 'store'>): Names {
  const known = new Map<string, string>();
  const once = async (id: string, find: () => Promise<string>) => {
    const name = known.get(id) ?? (await find());
    known.set(id, name);
    return name;
  };
  return {
    organisation: (id) => once(id, async () => (await store.organisations.get(id)).slug),
    project: ({ tenantId, projectId }) =>
      once(projectId, async () => (await store.projects.get(tenantId, projectId)).slug),
    async environment({ tenantId }, id) {
      const { environmentId }: Deploy = await store.deploys.get(tenantId, id);
      return once(environmentId, async () => (await store.environments.get(tenantId, environmentId)).name);
    },
  };
}

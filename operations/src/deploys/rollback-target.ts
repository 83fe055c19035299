import { type Environment, isId, PlatformError, type Release, type Revision } from '@eve/domain';
import type { Caller } from '../caller.ts';
import type { Platform } from '../platform.ts';
import { getRelease } from '../releases/read-releases.ts';

/**
 * The revision that a rollback means: `previous`, a number such as `12` or `staging#12`, a revision's id, or a release's tag or id (the
 * newest revision that had it and was healthy, else the newest). Throws `rollback_target_missing`, `release_not_found`.
 */
export async function rollbackTarget(
  platform: Pick<Platform, 'store'>,
  caller: Caller,
  environment: Environment,
  to: string,
): Promise<Revision> {
  const { store } = platform;
  const { tenantId, id, name } = environment;
  if (to === 'previous') {
    const deploy = await store.deploys.previousHealthy(tenantId, id, environment.currentRevisionId);
    if (deploy) return store.revisions.get(tenantId, deploy.revisionId);
    throw missing(`Environment ${name} has no earlier revision that was healthy: see \`eve env history ${name}\`.`);
  }
  const [, place, digits] = /^(?:([^#]*)#)?([1-9][0-9]{0,8})$/.exec(to) ?? [];
  if (place !== undefined && place !== '' && place !== name)
    throw missing(`Revision ${to} is one of environment ${place}; this is ${name}.`);
  if (digits !== undefined) {
    const revision = await store.revisions.findByNumber(tenantId, id, Number(digits));
    if (revision) return revision;
    throw missing(`Environment ${name} has no revision ${digits}: see \`eve env history ${name}\`.`);
  }
  if (isId('rev', to)) {
    const revision = await store.revisions.get(tenantId, to);
    if (revision.environmentId === id) return revision;
    throw missing(`Revision ${to} is one of another environment than ${name}.`);
  }
  const release = await getRelease(platform, caller, to, environment.projectId);
  const had = await revisionsWith(platform, environment, release);
  const served = await store.deploys.ofRevisions(
    tenantId,
    had.map(({ id: revisionId }) => revisionId),
  );
  const healthy = new Set(served.filter(({ status }) => status === 'healthy').map(({ revisionId }) => revisionId));
  const revision = had.find((each) => healthy.has(each.id)) ?? had[0];
  if (revision) return revision;
  throw missing(
    `Release ${to} never ran in ${name}: deploy it with \`eve env deploy ${name} --release-tag ${release.tag ?? to}\`.`,
  );
}

function missing(message: string): PlatformError {
  return new PlatformError('rollback_target_missing', message);
}

/** Newest first. */
async function revisionsWith(
  platform: Pick<Platform, 'store'>,
  environment: Environment,
  release: Pick<Release, 'id'>,
): Promise<readonly Revision[]> {
  const had: Revision[] = [];
  for await (const revision of revisionsOf(platform, environment)) {
    if (revision.releaseId === release.id) had.push(revision);
  }
  return had;
}

/** The revisions of an environment, newest first. */
export async function* revisionsOf(
  { store }: Pick<Platform, 'store'>,
  { tenantId, id }: Pick<Environment, 'tenantId' | 'id'>,
): AsyncGenerator<Revision> {
  let cursor: string | null | undefined;
  do {
    const page = await store.revisions.list(tenantId, id, { limit: 100, ...(cursor && { cursor }) });
    yield* page.items;
    cursor = page.nextCursor;
  } while (cursor);
}

import {
  type BuildArtifact,
  type BuildId,
  type BuildRun,
  type BuildSpec,
  PlatformError,
  type ProjectId,
} from '@eve/domain';
import { authorize, type Caller } from '../caller.ts';
import { recordAct } from '../organisations/record-act.ts';
import type { Platform } from '../platform.ts';
import { renderImage } from './image-place.ts';
import { getBuild } from './read-builds.ts';

type Needs = Pick<Platform, 'store' | 'logs' | 'registry' | 'registryLogins' | 'settings' | 'log' | 'now'>;

const defaultKeep = 10;
const mostAtOnce = 1000;
const loginMs = 300_000;

/**
 * Deletes a build with its runs, their logs, artifacts and steps, and those images in Eve's registry that nothing names
 * any more. Throws `build_in_use` naming the releases, `build_active`.
 */
export async function deleteBuild(platform: Needs, caller: Caller, buildId: BuildId): Promise<void> {
  const spec = await getBuild(platform, caller, buildId);
  authorize(caller, 'build', spec.projectId);
  await remove(platform, caller, spec);
}

/**
 * Deletes builds beyond the newest `keep`, oldest first, and says how many: never what a release names or what is under
 * way. At most 1,000 at once; what is left goes with the next call.
 */
export async function pruneBuilds(
  platform: Needs,
  caller: Caller,
  projectId: ProjectId,
  keep: number = defaultKeep,
): Promise<number> {
  authorize(caller, 'build', projectId);
  await platform.store.projects.get(caller.tenantId, projectId);
  if (!Number.isInteger(keep) || keep < 0 || keep > 100_000) {
    throw new PlatformError('request_invalid', 'keep must be a whole number from 0 to 100000.', {
      details: [{ path: 'keep', message: 'must be a whole number from 0 to 100000' }],
    });
  }
  let deleted = 0;
  for (let before = -1; deleted > before && deleted < mostAtOnce; ) {
    before = deleted;
    for (const id of await platform.store.buildSpecs.prunable(caller.tenantId, projectId, keep)) {
      if (await removeUnlessNeeded(platform, caller, id)) deleted += 1;
    }
  }
  return deleted;
}

/** What was not needed when it was proposed may be needed by now, or gone. Images stay where something else collects them. */
export async function removeUnlessNeeded(
  platform: Needs,
  caller: Caller,
  id: BuildId,
  { images = true }: { readonly images?: boolean } = {},
): Promise<boolean> {
  try {
    await remove(platform, caller, await platform.store.buildSpecs.get(caller.tenantId, id), images);
    return true;
  } catch (error) {
    const codes = ['build_in_use', 'build_active', 'build_not_found'];
    if (error instanceof PlatformError && codes.includes(error.code)) return false;
    throw error;
  }
}

async function remove(platform: Needs, caller: Caller, spec: BuildSpec, images = true): Promise<void> {
  const { store, now } = platform;
  const runs = await allRuns(platform, spec);
  const artifacts = (
    await Promise.all(runs.map(({ tenantId, id }) => store.buildArtifacts.listOfRun(tenantId, id)))
  ).flat();
  await store.transaction(async (records) => {
    await records.buildSpecs.delete(spec.tenantId, spec.id);
    const act = { subjectKind: 'build', subjectId: spec.id, from: 'recorded', to: 'deleted', event: 'delete' };
    await recordAct(records, caller, { ...act, at: now() });
  });
  // The records are gone: what cannot be removed now costs space, and nobody is shown it.
  for (const { tenantId, id } of runs) {
    await platform.logs.delete({ tenantId, id }).catch((error: unknown) => {
      platform.log.warn({ runId: id, error: String(error) }, 'the log of a deleted build run could not be removed');
    });
  }
  if (!images) return;
  await removeImages(platform, spec, artifacts).catch((error: unknown) => {
    platform.log.warn({ buildId: spec.id, error: String(error) }, 'images of a deleted build could not be removed');
  });
}

async function allRuns({ store }: Pick<Needs, 'store'>, { tenantId, id }: BuildSpec): Promise<readonly BuildRun[]> {
  const runs: BuildRun[] = [];
  for (let cursor: string | undefined; ; ) {
    const page = await store.buildRuns.list(tenantId, id, { limit: 100, ...(cursor !== undefined && { cursor }) });
    runs.push(...page.items);
    if (page.nextCursor === null) return runs;
    cursor = page.nextCursor;
  }
}

/**
 * Only in Eve's registry, and only while nothing of the project is being built: equal sources give equal digests, so a
 * build under way may have pushed the same image without having recorded it yet. What stays is left to retention.
 */
async function removeImages(
  platform: Needs,
  { tenantId, projectId, id }: BuildSpec,
  artifacts: readonly BuildArtifact[],
): Promise<void> {
  const { store, registry, registryLogins, settings, now } = platform;
  const ours = artifacts.filter(({ image }) => image.registry === 'eve');
  if (ours.length === 0 || settings.registryHost === null) return;
  if ((await store.buildRuns.unfinished()).some((run) => run.projectId === projectId)) return;

  const digests = [...new Set(ours.map((artifact) => artifact.digests.digest))];
  const named = new Set(await store.buildArtifacts.named(tenantId, projectId, digests));
  const unnamed = ours.filter((artifact) => !named.has(artifact.digests.digest));
  const places = new Map(
    unnamed.map(({ image, digests: { digest } }) => [`${image.repository}@${digest}`, { image, digest }]),
  );
  for (const { image, digest } of places.values()) {
    const prefix = `${image.repository.split('/').slice(0, 2).join('/')}/`;
    const expiresAt = new Date(now().getTime() + loginMs);
    const actions = ['pull', 'delete'] as const;
    const login = await registryLogins.issue({ tenantId, subject: id, prefix, actions, expiresAt });
    await registry.remove(renderImage(settings, image, digest), login);
  }
}

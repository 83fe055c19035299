import type { Garbage, Release } from '@eve/domain';
import type { EngineImage, Stray } from '../ports/deployer.ts';
import type { Planned, ProjectPlan, RetentionNeeds } from './planned.ts';

/** What the engine holds and no environment needs. Volumes are only told of: they hold data. */
export async function plannedOnEngine(
  platform: RetentionNeeds,
  plans: readonly ProjectPlan[],
): Promise<{ readonly goes: readonly Planned[]; readonly told: readonly Garbage[] }> {
  const images = await plannedEngineImages(platform, plans);
  const strays = await strayThings(platform);
  return {
    goes: [
      ...strays.filter(({ kind }) => kind !== 'volume').map((stray) => plannedStray(platform, stray)),
      // After the containers that were made of them.
      ...images,
    ],
    told: strays.filter(({ kind }) => kind === 'volume').map(asGarbage),
  };
}

async function plannedEngineImages(
  platform: RetentionNeeds,
  plans: readonly ProjectPlan[],
): Promise<readonly Planned[]> {
  const { deployer, store, settings, now } = platform;
  const { registryHost } = settings;
  const own = registryHost === null ? [] : plans.map(({ project }) => `${registryHost}/${project.prefix}`);
  const others = new Set(await store.retention.repositories());
  const prefixes = [...new Set([...own, ...[...others].map((place) => place.slice(0, place.lastIndexOf('/') + 1))])];
  if (prefixes.length === 0) return [];
  const needed = new Set(plans.flatMap(digestsNeeded));
  const before = new Date(now().getTime() - settings.retention.imagesMs);
  const isOurs = (reference: string) =>
    own.some((prefix) => reference.startsWith(prefix)) || others.has(repositoryIn(reference));
  const goes = (image: EngineImage) =>
    !image.inUse && image.createdAt < before && !isAmong(needed, image) && image.references.every(isOurs);

  return (await deployer.images(prefixes)).filter(goes).map((image) => ({
    garbage: {
      kind: 'engine_image',
      id: image.references[0] ?? image.id,
      sizeBytes: image.sizeBytes,
      rule: 'images: no revision that serves or can be restored needs it on this engine',
    },
    // A deploy may have begun since, which has pulled it and made no container of it yet.
    remove: async () => !isAmong(await digestsOfDeploys(platform), image) && deployer.removeImage(image.id),
  }));
}

function isAmong(digests: ReadonlySet<string>, { id, references }: EngineImage): boolean {
  return digests.has(id) || references.some((reference) => digests.has(reference.slice(reference.indexOf('@') + 1)));
}

/** What deploys that have not ended bring up. */
async function digestsOfDeploys({ store }: Pick<RetentionNeeds, 'store'>): Promise<ReadonlySet<string>> {
  const releases = (await store.deploys.unfinished()).map(async ({ tenantId, revisionId }) => {
    const { releaseId } = await store.revisions.get(tenantId, revisionId);
    return digestsOf(await store.releases.get(tenantId, releaseId));
  });
  return new Set((await Promise.all(releases)).flat());
}

/** Of releases that serve or can be restored; a local release's images stand nowhere else. */
function digestsNeeded({ releases, pinned }: ProjectPlan): readonly string[] {
  return [...releases.kept, ...releases.deleted, ...releases.retired]
    .filter(({ id, local }) => pinned.has(id) || (local && releases.kept.some((kept) => kept.id === id)))
    .flatMap(digestsOf);
}

function digestsOf({ images }: Pick<Release, 'images'>): readonly string[] {
  return Object.values(images).flatMap(({ digest, platforms }) => [
    digest,
    ...platforms.flatMap(({ manifest, config }) => [manifest, config]),
  ]);
}

/** `host/repository` of a reference with tag or digest. */
function repositoryIn(reference: string): string {
  return reference.replace(/@.*$/, '').replace(/:[^:/]*$/, '');
}

/** Things of environments that are gone. What belongs to none may be in somebody's hands until it is old. */
async function strayThings({ store, deployer, settings, now }: RetentionNeeds): Promise<readonly Stray[]> {
  const known = (await store.environments.all()).map(({ id }) => id);
  const found = await deployer.strays(known);
  const before = new Date(now().getTime() - settings.retention.imagesMs);
  return found.filter(({ environmentId, createdAt }) => environmentId !== null || createdAt < before);
}

function plannedStray({ store, deployer }: RetentionNeeds, stray: Stray): Planned {
  return {
    garbage: asGarbage(stray),
    async remove(signal) {
      // An environment is recorded before anything of it is made: this one was not younger than the look.
      const known = await store.environments.all();
      if (known.some(({ id }) => id === stray.environmentId)) return false;
      await deployer.removeStray(stray, signal);
      return true;
    },
  };
}

function asGarbage({ kind, name, sizeBytes, environmentId }: Stray): Garbage {
  const gone = environmentId === null ? 'belongs to no environment' : `its environment ${environmentId} is gone`;
  const rule =
    kind === 'volume' ? `volumes: ${gone}; remove it by hand when its data is not wanted` : `strays: ${gone}`;
  return { kind, id: name, sizeBytes, rule };
}

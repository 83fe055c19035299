import { planManifests, type StoredManifest } from '@eve/domain';
import { renderImage } from '../builds/image-place.ts';
import type { Planned, ProjectPlan, RetainedProject, RetentionNeeds } from './planned.ts';

const loginMs = 300_000;
const digestsAtOnce = 1_000;

/**
 * Manifests in the registry that Eve runs which no artifact and no release of anything kept names. Outside the paths of
 * projects, as where base images stand, nothing goes. `settled` says that what the plans let go has gone already.
 */
export async function plannedManifests(
  platform: RetentionNeeds,
  plans: readonly ProjectPlan[],
  { settled }: { readonly settled: boolean },
  signal: AbortSignal,
): Promise<readonly Planned[]> {
  const { registryStorage, settings, now } = platform;
  if (!registryStorage || settings.registryHost === null) return [];
  const manifests = await registryStorage.manifests(signal);
  const projects = new Map(plans.map(({ project }) => [project.prefix, project]));
  const ofProject = ({ repository }: StoredManifest) =>
    projects.get(`${repository.split('/').slice(0, 2).join('/')}/`) ?? null;

  const named = new Set(plans.flatMap((plan) => digestsKept(plan, settled)));
  const pushed = await pushedByKeptBuilds(platform, plans, manifests, settled);
  const isNeeded = (manifest: StoredManifest) =>
    ofProject(manifest) === null || named.has(manifest.digest) || pushed.has(manifest.digest);
  const before = new Date(now().getTime() - settings.retention.imagesMs);
  const rule = 'images: nothing that is kept names it, and it is older than EVE_RETENTION_IMAGES';
  return planManifests(manifests, isNeeded, before).map(({ freesBytes, ...manifest }): Planned => {
    const reference = renderImage(settings, { registry: 'eve', repository: manifest.repository }, manifest.digest);
    return {
      garbage: { kind: 'registry_image', id: reference, sizeBytes: freesBytes, rule },
      remove: (ended) => removeManifest(platform, reference, ofProject(manifest), ended),
    };
  });
}

/** Those of releases whose images stay; what was to go and has not is needed still. */
function digestsKept({ releases }: ProjectPlan, settled: boolean): readonly string[] {
  const staying = settled ? [...releases.kept, ...releases.deleted, ...releases.retired] : releases.kept;
  return staying.flatMap(({ images }) =>
    Object.values(images).flatMap(({ digest, platforms }) => [digest, ...platforms.map(({ manifest }) => manifest)]),
  );
}

async function pushedByKeptBuilds(
  { store }: Pick<RetentionNeeds, 'store'>,
  plans: readonly ProjectPlan[],
  manifests: readonly StoredManifest[],
  settled: boolean,
): Promise<ReadonlySet<string>> {
  const without = new Set<string>(
    plans.flatMap(({ builds }) => (settled ? builds.emptied : [...builds.emptied, ...builds.deleted])),
  );
  const digests = [...new Set(manifests.map(({ digest }) => digest))];
  const pushed = new Set<string>();
  for (let from = 0; from < digests.length; from += digestsAtOnce) {
    const owners = await store.retention.pushedBy(digests.slice(from, from + digestsAtOnce));
    for (const { digest, buildId } of owners) if (!without.has(buildId)) pushed.add(digest);
  }
  return pushed;
}

async function removeManifest(
  { registry, registryLogins, now }: Pick<RetentionNeeds, 'registry' | 'registryLogins' | 'now'>,
  reference: string,
  project: RetainedProject | null,
  signal: AbortSignal,
): Promise<boolean> {
  if (!project) return false;
  const { tenantId, projectId, prefix } = project;
  // The same for a while, and so are the tokens that it is given.
  const expiresAt = new Date((Math.floor(now().getTime() / loginMs) + 2) * loginMs);
  const grant = { tenantId, subject: projectId, prefix, actions: ['pull', 'delete'] as const, expiresAt };
  return registry.remove(reference, await registryLogins.issue(grant), signal);
}

import { advanceBuildRun, type BuildArtifact, type BuildRun, type BuildSpec, PlatformError } from '@eve/domain';
import type { Caller } from '../caller.ts';
import type { Platform } from '../platform.ts';
import type { RegistryLogin } from '../ports/builder.ts';
import type { Records } from '../ports/store.ts';
import { loginFor, readingLogins } from '../registry/registry-login.ts';
import { findManifest } from './build-context.ts';
import { renderImage } from './image-place.ts';

// A registry that does not answer is no reason to let the caller wait: then it is built.
const checkMs = 3_000;

type Needs = Pick<Platform, 'store' | 'now' | 'newId' | 'settings' | 'registry' | 'registryLogins' | 'vault' | 'log'>;

/** Completes a run at once with the artifacts of an equal one, when every image of it is still in its registry; null when it has to be built. */
export async function reuseBuildRun(
  platform: Needs,
  caller: Caller,
  spec: BuildSpec,
  run: BuildRun,
  also?: (records: Records, run: BuildRun) => Promise<void>,
): Promise<BuildRun | null> {
  const { store, settings, newId, now } = platform;
  if (!settings.buildReuse || spec.inputs?.forceRebuild || spec.cache?.disabled) return null;
  const source = await store.buildRuns.findReusable(spec);
  if (!source) return null;
  const artifacts = (await store.buildArtifacts.listOfRun(spec.tenantId, source.id)).filter(
    ({ serviceName }) => spec.services === null || spec.services.includes(serviceName),
  );
  if (artifacts.length < (spec.services?.length ?? 1)) return null;
  if (!(await areAllThere(platform, spec, artifacts))) return null;

  const tags = spec.inputs?.tag ? [spec.inputs.tag] : [];
  const completed = {
    ...advanceBuildRun(run, { type: 'complete' }, now()),
    reusedFrom: source.reusedFrom ?? source.id,
  };
  const write = store.transaction(async (records) => {
    await records.buildRuns.insert(run);
    for (const artifact of artifacts) {
      const taken = { id: newId('bart'), buildId: spec.id, runId: run.id };
      await records.buildArtifacts.insert(
        { ...artifact, ...taken, tags: [...new Set([...artifact.tags, ...tags])] },
        null,
      );
    }
    await records.buildRuns.update(completed, { was: 'pending', event: 'complete', actor: caller.actor, lease: null });
    await also?.(records, completed);
  });
  return write.then(
    () => completed,
    (error: unknown) => {
      // The run that it goes back to was deleted meanwhile.
      if (error instanceof PlatformError && error.code === 'build_run_not_found') return null;
      throw error;
    },
  );
}

/** Asks the registries for every image, and gives each the tag that this build asks for. */
async function areAllThere(platform: Needs, spec: BuildSpec, artifacts: readonly BuildArtifact[]): Promise<boolean> {
  const { registry, settings, log } = platform;
  const signal = AbortSignal.timeout(checkMs);
  try {
    const logins = await loginsOf(platform, spec, artifacts);
    const images = artifacts.map(({ image, digests }) => ({
      reference: renderImage(settings, image, digests.digest),
      login: loginFor(logins, image, settings),
    }));
    const there = await Promise.all(images.map(({ reference, login }) => registry.exists(reference, login, signal)));
    if (!there.every(Boolean)) return false;
    const tag = spec.inputs?.tag;
    if (tag) await Promise.all(images.map(({ reference, login }) => registry.tag(reference, tag, login, signal)));
    return true;
  } catch (error) {
    log.warn({ buildId: spec.id, error: String(error) }, 'a registry could not be asked for images to reuse');
    return false;
  }
}

async function loginsOf(
  platform: Needs,
  { tenantId, projectId, ...spec }: BuildSpec,
  artifacts: readonly BuildArtifact[],
): Promise<readonly RegistryLogin[]> {
  const { store } = platform;
  const isOurs = artifacts.every(({ image }) => image.registry === 'eve');
  const [organisation, project, manifest] = await Promise.all([
    store.organisations.get(tenantId),
    store.projects.get(tenantId, projectId),
    isOurs ? null : findManifest(platform, { tenantId, projectId, ...spec }),
  ]);
  return readingLogins(
    platform,
    manifest ?? { registry: { mode: 'eve' } },
    { organisation: organisation.slug, project: project.slug, tenantId, projectId },
    spec.inputs?.tag ? ['pull', 'push'] : ['pull'],
  );
}

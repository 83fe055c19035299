import {
  advanceBuildRun,
  type BuilderName,
  type BuildId,
  type BuildRun,
  type BuildSpec,
  PlatformError,
} from '@eve/domain';
import { authorize, type Caller } from '../caller.ts';
import type { Platform } from '../platform.ts';
import type { Records } from '../ports/store.ts';
import type { WorkItem } from '../ports/work-queue.ts';
import { renderImage } from './image-place.ts';

const reuseLoginMs = 60_000;

type Needs = Pick<Platform, 'store' | 'now' | 'newId' | 'settings' | 'builders' | 'registry' | 'registryLogins'>;

export interface StartBuildRun {
  readonly buildId: BuildId;
  readonly backend?: BuilderName;
  /** What else belongs into the transaction that writes the run. */
  readonly also?: (records: Records, run: BuildRun) => Promise<void>;
}

/**
 * Starts an attempt to carry a build out: a `pending` run and its work in one transaction, or a run that is
 * `completed` at once because an equal one's images are still in the registry.
 */
export async function startBuildRun(
  platform: Needs,
  caller: Caller,
  { buildId, backend, also }: StartBuildRun,
): Promise<BuildRun> {
  const { store, now, newId, settings } = platform;
  const spec = await store.buildSpecs.get(caller.tenantId, buildId);
  authorize(caller, 'build', spec.projectId);
  const builder = chooseBuilder(platform, backend);
  if (settings.sharedEngine && (await store.organisations.count()) > 1) {
    throw new PlatformError(
      'engine_shared',
      'This installation builds on one shared engine, which may serve one organisation only: give each its own builder.',
    );
  }

  const run: BuildRun = {
    id: newId('brun'),
    tenantId: spec.tenantId,
    projectId: spec.projectId,
    buildId,
    status: 'pending',
    phase: null,
    backend: builder,
    notes: [],
    attempt: 0,
    runnerRef: null,
    logsRef: null,
    failure: null,
    reusedFrom: null,
    cancelRequestedAt: null,
    cancelRequestedBy: null,
    createdBy: caller.actor,
    createdAt: now(),
    startedAt: null,
    completedAt: null,
  };
  const reused = await reuse(platform, caller, spec, run, also);
  if (reused) return reused;

  await store.transaction(async (records) => {
    await records.buildRuns.insert(run);
    await records.queue.add(buildWork(run));
    await also?.(records, run);
  });
  return run;
}

/** The work that carries a run out. */
export function buildWork({ id, tenantId, projectId }: BuildRun): WorkItem {
  return { kind: 'execute-build-run', id, tenantId, projectId, class: 'build', version: 1 };
}

function chooseBuilder(
  { builders, settings }: Pick<Needs, 'builders' | 'settings'>,
  asked: BuilderName | undefined,
): BuilderName {
  const name = asked ?? settings.buildBackend ?? (Object.keys(builders)[0] as BuilderName | undefined);
  if (name === undefined || !builders[name]) {
    const known = Object.keys(builders).join(', ') || 'none';
    throw new PlatformError(
      'engine_capability_missing',
      `The build backend "${name}" is not set up here; there is: ${known}.`,
    );
  }
  return name;
}

/** Takes over the artifacts of an equal completed run, when every image of it is still in the registry. */
async function reuse(
  platform: Needs,
  caller: Caller,
  spec: BuildSpec,
  run: BuildRun,
  also: StartBuildRun['also'],
): Promise<BuildRun | null> {
  const { store, settings, newId, now } = platform;
  if (!settings.buildReuse || spec.inputs?.forceRebuild) return null;
  const source = await store.buildRuns.findReusable(spec);
  if (!source) return null;
  const artifacts = (await store.buildArtifacts.listOfRun(caller.tenantId, source.id)).filter(
    ({ serviceName }) => spec.services === null || spec.services.includes(serviceName),
  );
  const expiresAt = new Date(now().getTime() + reuseLoginMs);
  for (const { image, digests } of artifacts.filter((artifact) => artifact.image.registry === 'eve')) {
    const prefix = `${image.repository.split('/').slice(0, 2).join('/')}/`;
    const grant = { tenantId: caller.tenantId, subject: run.id, prefix, actions: ['pull', 'push'] as const, expiresAt };
    const login = await platform.registryLogins.issue(grant);
    const reference = renderImage(settings, image, digests.digest);
    if (!(await platform.registry.inspect(reference, login))) return null;
    if (spec.inputs?.tag) await platform.registry.tag(reference, spec.inputs.tag, login);
  }
  const tags = spec.inputs?.tag ? [spec.inputs.tag] : [];

  const completed = { ...advanceBuildRun(run, { type: 'complete' }, now()), reusedFrom: source.id };
  await store.transaction(async (records) => {
    await records.buildRuns.insert(run);
    for (const artifact of artifacts) {
      await records.buildArtifacts.insert(
        {
          ...artifact,
          tags: [...new Set([...artifact.tags, ...tags])],
          id: newId('bart'),
          buildId: spec.id,
          runId: run.id,
        },
        null,
      );
    }
    await records.buildRuns.update(completed, { was: 'pending', event: 'complete', actor: caller.actor, lease: null });
    await also?.(records, completed);
  });
  return completed;
}

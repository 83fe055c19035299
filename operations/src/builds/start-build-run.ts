import { type BuilderName, type BuildId, type BuildRun, type BuildSpec, PlatformError } from '@eve/domain';
import { authorize, type Caller } from '../caller.ts';
import type { Platform } from '../platform.ts';
import type { Records } from '../ports/store.ts';
import type { WorkItem } from '../ports/work-queue.ts';
import { asksForCapabilities, checkAskedCapabilities } from './asked-capabilities.ts';
import { findManifest, servicesOf } from './build-context.ts';
import { type ChosenBuilder, chooseBuilder } from './choose-builder.ts';
import { reuseBuildRun } from './reuse-build-run.ts';

type Needs = Pick<
  Platform,
  'store' | 'now' | 'newId' | 'settings' | 'builders' | 'registry' | 'registryLogins' | 'vault' | 'log'
>;

export interface StartBuildRun {
  readonly buildId: BuildId;
  readonly backend?: BuilderName;
  /** Among the tenant's builds: higher first, 0 unless given. */
  readonly priority?: number;
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
  { buildId, backend, priority, also }: StartBuildRun,
): Promise<BuildRun> {
  const { store } = platform;
  const spec = await store.buildSpecs.get(caller.tenantId, buildId);
  authorize(caller, 'build', spec.projectId);
  const { slug } = await store.organisations.get(spec.tenantId);
  const builder = await chooseBuilder(platform, backend, slug);
  await refuseSharedEngine(platform);
  const run = newBuildRun(platform, spec, caller, builder);
  const reused = await reuseBuildRun(platform, caller, spec, run, also);
  if (reused) return reused;
  await checkCapabilities(platform, spec, builder.name, slug);

  await store.transaction(async (records) => {
    await records.buildRuns.insert(run);
    await records.queue.add({ ...buildWork(run), ...(priority !== undefined && { priority }) });
    await also?.(records, run);
  });
  return run;
}

/** One engine for all is for one organisation only. Throws `engine_shared`. */
export async function refuseSharedEngine({ store, settings }: Pick<Platform, 'store' | 'settings'>): Promise<void> {
  if (settings.sharedEngine && (await store.organisations.count()) > 1) {
    throw new PlatformError(
      'engine_shared',
      'This installation builds on one shared engine, which may serve one organisation only: give each its own builder.',
    );
  }
}

/** A run that has not begun. */
export function newBuildRun(
  { newId, now, settings }: Pick<Platform, 'newId' | 'now' | 'settings'>,
  { id: buildId, tenantId, projectId }: BuildSpec,
  { actor }: Caller,
  { name: backend, note }: ChosenBuilder,
): BuildRun {
  const createdAt = now();
  return {
    ...{ id: newId('brun'), tenantId, projectId, buildId, backend },
    ...{ status: 'pending', phase: null, attempt: 0, retries: 0, notes: note === null ? [] : [note] },
    ...{ runnerRef: null, logsRef: null, failure: null, limits: null, usage: null },
    ...{ reusedFrom: null, verifies: null, verification: null },
    ...{ cancelRequestedAt: null, cancelRequestedBy: null, cancelReason: null },
    queueDeadlineAt: new Date(createdAt.getTime() + settings.buildQueueTimeoutMs),
    createdBy: actor,
    ...{ createdAt, startedAt: null, completedAt: null },
  };
}

/** The work that carries a run out. */
export function buildWork({ id, tenantId, projectId }: BuildRun): WorkItem {
  return { kind: 'execute-build-run', id, tenantId, projectId, class: 'build', version: 1 };
}

/** What is asked for and cannot be had is an error before anything starts. */
async function checkCapabilities(
  platform: Pick<Platform, 'store' | 'builders'>,
  spec: BuildSpec,
  backend: BuilderName,
  organisation: string,
): Promise<void> {
  const manifest = await findManifest(platform, spec);
  const services = manifest ? servicesOf(spec, manifest) : [];
  if (!asksForCapabilities(spec, services)) return;
  const capabilities = await platform.builders[backend]
    ?.capabilities(undefined, organisation)
    .catch((error: unknown) => {
      // Whoever carries the run out may reach an engine that this process does not: it checks again.
      if (error instanceof PlatformError && error.kind === 'unavailable') return null;
      throw error;
    });
  if (capabilities) checkAskedCapabilities(spec, services, backend, capabilities);
}

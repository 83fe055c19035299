import {
  type AllowedLimits,
  allowedLimits,
  type BuildArtifact,
  type BuildRun,
  type BuildSpec,
  type BuildStep,
  buildableServices,
  type Manifest,
  type Organisation,
  PlatformError,
  type Project,
  type Service,
} from '@eve/domain';
import { parseManifest } from '../manifests/parse-manifest.ts';
import { registryOf } from '../manifests/registry-setting.ts';
import type { Platform } from '../platform.ts';
import type { Builder, BuilderCapabilities, RegistryLogin } from '../ports/builder.ts';
import { registryLogins } from '../registry/registry-login.ts';
import { resolveSecrets } from '../secrets/resolve-secrets.ts';
import { capabilityNotes, checkAskedCapabilities } from './asked-capabilities.ts';
import type { ImageOwner } from './image-place.ts';

// What ends after a build: reading back, the last writes.
const loginReserveMs = 60_000;

/** What an executing build run works with. */
export interface BuildContext {
  readonly run: BuildRun;
  readonly spec: BuildSpec;
  readonly project: Project;
  readonly manifest: Manifest;
  /** The services that get an image. */
  readonly services: readonly Service[];
  readonly owner: ImageOwner;
  readonly builder: Builder;
  readonly capabilities: BuilderCapabilities;
  readonly logins: readonly RegistryLogin[];
  /** Build secrets by name. */
  readonly secrets: Readonly<Record<string, string>>;
  /** Build secrets that the manifest names and nobody has set. */
  readonly missingSecrets: readonly string[];
  /** Everything that must not be printed. */
  readonly secretValues: readonly string[];
  readonly tier: Organisation['tier'];
  readonly limits: AllowedLimits;
  /** Why this engine was chosen, what it lacks and where the manifest asks for more than it gets. */
  readonly notes: readonly string[];
  /** The images that this run builds again to compare; null for one that builds. */
  readonly originals: readonly BuildArtifact[] | null;
  /** Of the last build of these services that was completed. */
  readonly previousSteps: readonly BuildStep[];
}

/** Loads what is recorded about a run and resolves its secrets, logins and limits. Throws `engine_capability_missing`. */
export async function loadBuildContext(platform: Platform, run: BuildRun, signal: AbortSignal): Promise<BuildContext> {
  const { store, settings, now } = platform;
  const spec = await store.buildSpecs.get(run.tenantId, run.buildId);
  const project = await store.projects.get(run.tenantId, run.projectId);
  const { tier, slug } = await store.organisations.get(run.tenantId);
  const synced = await findManifest(platform, spec);
  const manifest = synced && { ...synced, registry: registryOf(spec, synced) };
  const builder = platform.builders[run.backend];
  if (!manifest || !builder)
    throw new PlatformError('manifest_not_found', `The manifest or engine of ${run.id} is not there.`);

  const services = servicesOf(spec, manifest);
  const capabilities = await builder.capabilities(signal, slug);
  checkAskedCapabilities(spec, services, run.backend, capabilities);
  const limits = allowedLimits(tier, services, spec.inputs, settings.machine);

  const names = new Set(services.flatMap(({ build }) => [...(build?.secrets ?? [])]));
  const { values: secrets, missing: missingSecrets } = await resolveSecrets(platform, project, names);
  const owner = { organisation: slug, project: project.slug };
  const validMs = settings.buildPrepareTimeoutMs + limits.run.timeoutMs + loginReserveMs;
  const logins = await registryLogins(
    platform,
    manifest,
    { ...owner, tenantId: run.tenantId, projectId: run.projectId },
    { subject: run.id, actions: ['pull', 'push'], expiresAt: new Date(now().getTime() + validMs) },
  );
  return {
    ...{ run, spec, project, manifest, services, owner, builder, capabilities, logins, secrets, missingSecrets },
    secretValues: [...Object.values(secrets), ...logins.map(({ password }) => password)],
    ...{ tier, limits },
    notes: [...new Set([...run.notes, ...capabilityNotes(capabilities), ...limits.notes])],
    originals: run.verifies && (await store.buildArtifacts.listOfRun(run.tenantId, run.verifies)),
    previousSteps: await previousSteps(platform, spec, run),
  };
}

async function previousSteps({ store }: Pick<Platform, 'store'>, spec: BuildSpec, run: BuildRun): Promise<BuildStep[]> {
  const previous = await store.buildRuns.lastCompleted(spec, run.id);
  if (!previous) return [];
  const steps = await store.buildSteps.listOfRun(run.tenantId, previous.id);
  return steps.filter(({ attempt }) => attempt === previous.attempt);
}

/** The manifest that a build was made for, parsed; null when it is not recorded. */
export async function findManifest(
  { store }: Pick<Platform, 'store'>,
  { tenantId, projectId, manifestHash }: BuildSpec,
): Promise<Manifest | null> {
  const record = manifestHash ? await store.manifests.findByHash(tenantId, projectId, manifestHash) : null;
  return record && parseManifest(record.yaml).manifest;
}

/** The services of a manifest that a build makes images of. */
export function servicesOf({ services }: Pick<BuildSpec, 'services'>, manifest: Manifest): Service[] {
  return buildableServices(manifest).filter(({ name }) => services === null || services.includes(name));
}

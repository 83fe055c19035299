import {
  type BuildRun,
  type BuildSpec,
  buildableServices,
  type Manifest,
  PlatformError,
  type Project,
  tierLimits,
} from '@eve/domain';
import { parseManifest } from '../manifests/parse-manifest.ts';
import type { Platform } from '../platform.ts';
import type { Builder, ImageBuildPlan, RegistryLogin } from '../ports/builder.ts';
import { registryLogins } from '../registry/registry-login.ts';
import { resolveSecrets } from '../secrets/resolve-secrets.ts';
import type { ImageOwner } from './image-place.ts';

/** What an executing build run knows; `run` is the newest state that was written. */
export interface BuildContext {
  run: BuildRun;
  readonly spec: BuildSpec;
  readonly project: Project;
  readonly manifest: Manifest;
  readonly owner: ImageOwner;
  readonly builder: Builder;
  readonly logins: readonly RegistryLogin[];
  /** Build secrets by name. */
  readonly secrets: Readonly<Record<string, string>>;
  /** Build secrets that the manifest names and nobody has set. */
  readonly missingSecrets: readonly string[];
  /** Everything that must not be printed. */
  readonly secretValues: readonly string[];
  readonly timeoutMs: number;
  readonly limits: ImageBuildPlan['limits'];
  capabilityNotes(signal: AbortSignal): Promise<readonly string[]>;
}

/** Loads what is recorded about a run and resolves its secrets, logins and limits. */
export async function loadBuildContext(platform: Platform, run: BuildRun): Promise<BuildContext> {
  const { store } = platform;
  const spec = await store.buildSpecs.get(run.tenantId, run.buildId);
  const project = await store.projects.get(run.tenantId, run.projectId);
  const organisation = await store.organisations.get(run.tenantId);
  const record = spec.manifestHash
    ? await store.manifests.findByHash(run.tenantId, run.projectId, spec.manifestHash)
    : null;
  const manifest = record ? parseManifest(record.yaml).manifest : null;
  const builder = platform.builders[run.backend];
  if (!manifest || !builder)
    throw new PlatformError('manifest_not_found', `The manifest or engine of ${run.id} is not there.`);

  const tier = tierLimits[organisation.tier];
  const services = buildableServices(manifest).filter(
    ({ name }) => spec.services === null || spec.services.includes(name),
  );
  const asked = spec.inputs?.timeoutMs ?? Math.max(0, ...services.map(({ build }) => build?.timeoutMs ?? 0));
  const timeoutMs = asked > 0 ? Math.min(asked, tier.buildTimeoutMs) : tier.buildTimeoutMs;

  const names = new Set(services.flatMap(({ build }) => [...(build?.secrets ?? [])]));
  const { values: secrets, missing: missingSecrets } = await resolveSecrets(platform, project, names);
  const owner = { organisation: organisation.slug, project: project.slug };
  const logins = await registryLogins(
    platform,
    manifest,
    { ...owner, tenantId: run.tenantId, projectId: run.projectId },
    { subject: run.id, actions: ['pull', 'push'], expiresAt: new Date(platform.now().getTime() + timeoutMs + 60_000) },
  );
  return {
    run,
    spec,
    project,
    manifest,
    owner,
    builder,
    logins,
    secrets,
    missingSecrets,
    secretValues: [...Object.values(secrets), ...logins.map(({ password }) => password)],
    timeoutMs,
    limits: { memoryBytes: tier.memoryBytesPerBuild, cpus: tier.cpusPerBuild },
    async capabilityNotes(signal) {
      const { attestations, multiPlatform, rewriteTimestamps, cacheExport, buildkit } =
        await builder.capabilities(signal);
      const missing = Object.entries({ attestations, multiPlatform, rewriteTimestamps, cacheExport }).filter(
        ([, has]) => !has,
      );
      return missing.length === 0
        ? []
        : [`engine without ${missing.map(([name]) => name).join(', ')} (BuildKit ${buildkit ?? 'unknown'})`];
    },
  };
}

import {
  type BuildCache,
  type BuildInputs,
  type BuildSpec,
  buildableServices,
  type ErrorDetail,
  isGitSha,
  type Manifest,
  PlatformError,
  type ProjectId,
  specIdentity,
} from '@eve/domain';
import { authorize, type Caller } from '../caller.ts';
import { canonicalJson, sha256 } from '../canonical.ts';
import { parseManifest } from '../manifests/parse-manifest.ts';
import { registryOf, registrySetting, registryValue } from '../manifests/registry-setting.ts';
import type { Platform, Settings } from '../platform.ts';
import { servicesOf } from './build-context.ts';
import { cacheLocations } from './cache-locations.ts';
import { checkCache, checkInputs, refuseWrong } from './check-build.ts';
import { type ImageOwner, imagePlace } from './image-place.ts';

export interface CreateBuild {
  readonly gitSha: string;
  readonly manifestHash: string;
  readonly services?: readonly string[] | null;
  readonly inputs?: BuildInputs | null;
  readonly registry?: unknown;
  readonly cache?: BuildCache | null;
}

/**
 * Records what is to be built, once per unique configuration: the same again gives the same BuildSpec.
 * Throws `manifest_hash_unknown`, `manifest_hash_mismatch`, `service_unknown`, `request_invalid`.
 */
export async function createBuild(
  { store, settings, now, newId }: Pick<Platform, 'store' | 'settings' | 'now' | 'newId'>,
  caller: Caller,
  projectId: ProjectId,
  request: CreateBuild,
): Promise<BuildSpec> {
  authorize(caller, 'build', projectId);
  const project = await store.projects.get(caller.tenantId, projectId);
  const { gitSha, manifestHash } = request;
  if (!isGitSha(gitSha)) {
    throw new PlatformError('request_invalid', 'git_sha must be the full commit id: 40 lower-case hex digits.');
  }
  const manifest = await manifestForCommit({ store }, caller, projectId, gitSha, manifestHash);
  const services = requestedServices(manifest, request.services ?? null);
  const { slug: organisation } = await store.organisations.get(caller.tenantId);
  const owner = { organisation, project: project.slug };
  const problems: ErrorDetail[] = [];
  const inputs = checkInputs(request.inputs ?? null, problems);
  const cache = checkCache(request.cache ?? null, owner, settings, problems);
  refuseWrong(problems);
  const registry = checkRegistry(request.registry, manifest, services, owner, settings);
  for (const { name: service } of servicesOf({ services }, manifest)) {
    const place = { registry: registryOf({ registry }, manifest) };
    cacheLocations({ cache, manifest: place, owner, service, settings, cacheExport: true });
  }

  const identity = {
    source: { kind: 'git', sha: gitSha },
    target: 'image',
    gitSha,
    manifestHash,
    services,
    inputs,
    registry,
    cache,
  } as const;
  return store.buildSpecs.insertOrGet({
    ...identity,
    id: newId('bld'),
    tenantId: caller.tenantId,
    projectId,
    specKey: sha256(canonicalJson(specIdentity(identity))),
    createdBy: caller.actor,
    createdAt: now(),
  });
}

/** The manifest of a hash, when it was synced for this commit; else an error that names both hashes and the remedy. */
export async function manifestForCommit(
  { store }: Pick<Platform, 'store'>,
  caller: Pick<Caller, 'tenantId'>,
  projectId: ProjectId,
  gitSha: string,
  manifestHash: string,
): Promise<Manifest> {
  const record = await store.manifests.findByHash(caller.tenantId, projectId, manifestHash);
  const ofCommit = await store.manifests.findForSha(caller.tenantId, projectId, gitSha);
  const remedy = `Sync the manifest of that commit: \`eve project sync --ref ${gitSha} --repo-dir .\`.`;
  if (!record) {
    const known = ofCommit ? ` For commit ${gitSha.slice(0, 8)} the synced one is ${ofCommit.hash}.` : '';
    throw new PlatformError(
      'manifest_hash_unknown',
      `No manifest with the hash ${manifestHash} was synced.${known} ${remedy}`,
    );
  }
  const shas = await store.manifests.shasOf(caller.tenantId, projectId, manifestHash);
  if (!shas.includes(gitSha)) {
    throw new PlatformError(
      'manifest_hash_mismatch',
      `Manifest ${manifestHash} was not synced for commit ${gitSha}; ${ofCommit ? `that commit has ${ofCommit.hash}` : 'that commit has none'}. ${remedy}`,
    );
  }
  const { manifest, errors } = parseManifest(record.yaml);
  if (!manifest) throw new PlatformError('manifest_invalid', 'The synced manifest is not valid.', { details: errors });
  return manifest;
}

/** The registry that the build names instead of the manifest's; each image must have a place in it. */
function checkRegistry(
  value: unknown,
  manifest: Manifest,
  services: readonly string[] | null,
  owner: ImageOwner,
  settings: Pick<Settings, 'registryHost'>,
): unknown {
  if (value === null || value === undefined) return null;
  const registry = registrySetting(value);
  for (const service of servicesOf({ services }, manifest)) imagePlace({ registry }, service, owner, settings);
  return registryValue(registry);
}

function requestedServices(manifest: Manifest, services: readonly string[] | null): readonly string[] | null {
  if (services === null || services.length === 0) return null;
  const buildable = buildableServices(manifest).map(({ name }) => name);
  const unknown = services.filter((name) => !buildable.includes(name));
  if (unknown.length > 0) {
    throw new PlatformError(
      'service_unknown',
      `The manifest builds no service ${unknown.map((name) => `"${name}"`).join(', ')}. It builds: ${buildable.join(', ') || 'none'}.`,
    );
  }
  return [...new Set(services)].sort();
}

import {
  type ConfigVersion,
  deployableServices,
  type Environment,
  type Manifest,
  type PlatformError,
  type Release,
  type Revision,
  type Strategy,
} from '@eve/domain';
import { featuresOf, withoutEffect } from '../manifests/runtime-features.ts';
import type { Platform } from '../platform.ts';
import type { DeployTarget, PlannedChange, ServiceTarget } from '../ports/deployer.ts';
import { secretsMissing } from '../secrets/missing-secrets.ts';
import { resolveSecrets } from '../secrets/resolve-secrets.ts';
import { deployTarget } from './deploy-target.ts';
import { type DeployParts, newDeploy, type PreparedDeploy, partsOfRevision } from './prepare-deploy.ts';
import { reusableInstances } from './reusable-instances.ts';
import { secretsOfRevision } from './revision-secrets.ts';

/** What a deploy would change of one service. */
export interface ServicePlan extends PlannedChange {
  /** Digests; null where there is none, or none yet. */
  readonly image: { readonly from: string | null; readonly to: string | null };
  readonly replicas: { readonly from: number; readonly to: number };
  /** Names of variables, never values. */
  readonly configuration: {
    readonly added: readonly string[];
    readonly changed: readonly string[];
    readonly removed: readonly string[];
  };
}

/** What a deploy or rollback would do. Nothing of it is recorded. */
export interface DeployPlan {
  readonly strategy: Strategy;
  readonly approval: boolean;
  readonly services: readonly ServicePlan[];
  readonly releaseCommands: readonly { readonly service: string; readonly command: readonly string[] }[];
  readonly warnings: readonly string[];
  /** Why it would be refused as things stand, the weightiest first. */
  readonly refusals: readonly PlatformError[];
}

type Needs = Pick<Platform, 'store' | 'vault' | 'settings' | 'now' | 'newId' | 'deployer'>;

/** Compares what serves with what was prepared. `built` false: the release's own images are made on the way and not known yet. */
export async function planOf(
  platform: Needs,
  parts: DeployParts,
  prepared: PreparedDeploy,
  { built = true, warnings = [] }: { built?: boolean; warnings?: readonly string[] } = {},
): Promise<DeployPlan> {
  const { environment, manifest, cause } = parts;
  const now = await servingTarget(platform, environment);
  const wanted = built ? await targetOf(platform, environment, { ...parts, secrets: prepared.secrets }) : null;
  const changes = wanted
    ? await platform.deployer.plan(wanted)
    : deployableServices(manifest).map((service) => changeOfUnbuilt(service.name, service.build !== null, now));
  const services = changes.map((change): ServicePlan => {
    const from = now?.services.find(({ service }) => service.name === change.service);
    const to = wanted?.services.find(({ service }) => service.name === change.service);
    const replicas = manifest.services[change.service]?.replicas ?? 0;
    return {
      ...change,
      image: { from: from?.digests[0] ?? null, to: change.kind === 'remove' ? null : (to?.digests[0] ?? null) },
      replicas: { from: from?.service.replicas ?? 0, to: change.kind === 'remove' ? 0 : replicas },
      configuration: wanted || change.kind === 'remove' ? keysChanged(from, to) : noKeys,
    };
  });
  const commands = cause === 'rollback' || cause === 'repair' ? [] : deployableServices(manifest);
  return {
    strategy: prepared.strategy,
    approval: prepared.approval,
    services,
    releaseCommands: commands.flatMap(({ name, releaseCommand }) =>
      releaseCommand ? [{ service: name, command: releaseCommand.command }] : [],
    ),
    warnings: [
      ...prepared.warnings,
      ...warnings,
      ...withoutEffect(platform.settings, featuresOf(deployableServices(manifest))).map(
        ({ path, message }) => `${path}: ${message}`,
      ),
    ],
    refusals: [
      ...prepared.refusals,
      ...(prepared.missingSecrets.length > 0 ? [secretsMissing(prepared.missingSecrets)] : []),
    ],
  };
}

function changeOfUnbuilt(service: string, isBuilt: boolean, now: DeployTarget | null): PlannedChange {
  const kind = now?.services.some((each) => each.service.name === service) ? 'replace' : 'start';
  const reason = isBuilt ? 'its image is built first' : 'its image is resolved when the release is made';
  return { service, kind, reason, instances: 1 };
}

const noKeys = { added: [], changed: [], removed: [] };

function keysChanged(from: ServiceTarget | undefined, to: ServiceTarget | undefined): ServicePlan['configuration'] {
  const before = from?.environment ?? {};
  const after = to?.environment ?? {};
  const names = [...new Set([...Object.keys(before), ...Object.keys(after)])].sort();
  return {
    added: names.filter((name) => !Object.hasOwn(before, name)),
    changed: names.filter(
      (name) => Object.hasOwn(before, name) && Object.hasOwn(after, name) && before[name] !== after[name],
    ),
    removed: names.filter((name) => !Object.hasOwn(after, name)),
  };
}

/** What the current revision asks for; null before the first one served. */
async function servingTarget(platform: Needs, environment: Environment): Promise<DeployTarget | null> {
  if (!environment.currentRevisionId) return null;
  const revision = await platform.store.revisions.get(environment.tenantId, environment.currentRevisionId);
  const parts = await partsOfRevision(platform, revision);
  const project = { tenantId: environment.tenantId, id: environment.projectId };
  const names = secretsOfRevision(parts.manifest, environment.name, parts.config);
  const { values } = await resolveSecrets(platform, project, names, revision.secretVersions);
  return targetOf(platform, environment, { ...parts, secrets: values });
}

/** The target of a revision that need not exist. Logins stay out of it: it is only compared. */
async function targetOf(
  platform: Needs,
  environment: Environment,
  {
    release,
    manifest,
    config,
    secrets,
  }: {
    release: Release;
    manifest: Manifest;
    config: Pick<ConfigVersion, 'values'> | null;
    secrets: Readonly<Record<string, string>>;
  },
): Promise<DeployTarget> {
  const { store, settings, now, newId } = platform;
  const { tenantId, projectId, id: environmentId } = environment;
  const project = await store.projects.get(tenantId, projectId);
  const organisation = await store.organisations.get(tenantId);
  const newest = (await store.revisions.list(tenantId, environmentId, { limit: 1 })).items[0];
  const known = { tenantId, environmentId, createdBy: null, createdAt: now() };
  const configVersion: ConfigVersion = {
    ...known,
    id: newId('cfg'),
    number: 0,
    message: null,
    values: config?.values ?? {},
  };
  const revision: Revision = {
    ...known,
    id: newId('rev'),
    projectId,
    number: (newest?.number ?? 0) + 1,
    releaseId: release.id,
    configVersionId: configVersion.id,
    secretVersions: {},
    restoredFrom: null,
  };
  const asked = { environment, cause: 'direct', actor: 'system' } as const;
  const strategy = { kind: 'rolling' } as const;
  return deployTarget({
    deploy: newDeploy(platform, asked, { revisionId: revision.id, strategy, warnings: [] }),
    environment,
    revision,
    release,
    build: null,
    manifest,
    config: configVersion,
    secrets,
    logins: [],
    owner: { organisation: organisation.slug, project: project.slug },
    settings,
    reusable: await reusableInstances(platform, environment),
  });
}

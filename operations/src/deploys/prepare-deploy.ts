import {
  type ConfigVersion,
  type Deploy,
  type DeployCause,
  type Environment,
  type EnvironmentRules,
  environmentRules,
  type Manifest,
  type PlatformError,
  type Release,
  type Revision,
  type SecretVersionId,
  type Strategy,
} from '@eve/domain';
import { parseManifest } from '../manifests/parse-manifest.ts';
import type { Platform } from '../platform.ts';
import type { Records } from '../ports/store.ts';
import { resolveSecrets } from '../secrets/resolve-secrets.ts';
import { refusalsOf } from './deploy-gates.ts';
import { manifestOf } from './manifest-of.ts';
import { secretsOfRevision } from './revision-secrets.ts';

/** What a deploy is made of, before anything of it is recorded. */
export interface DeployParts {
  readonly environment: Environment;
  readonly release: Release;
  /** Of the release. */
  readonly manifest: Manifest;
  /** Null: the environment has none yet, nothing is set. */
  readonly config: Pick<ConfigVersion, 'values'> | null;
  /** Secret versions to come back to, as far as they are not revoked. */
  readonly secretVersions?: Readonly<Record<string, SecretVersionId>> | undefined;
  readonly cause: DeployCause;
  /** Asked for with the request: it wins over every setting. */
  readonly strategy?: Strategy | undefined;
}

/** A deploy that could be recorded, unless something refuses it. */
export interface PreparedDeploy {
  readonly rules: EnvironmentRules;
  readonly strategy: Strategy;
  /** It waits for somebody before it begins. */
  readonly approval: boolean;
  readonly secretVersions: Readonly<Record<string, SecretVersionId>>;
  readonly secrets: Readonly<Record<string, string>>;
  readonly missingSecrets: readonly string[];
  readonly warnings: readonly string[];
  /** The weightiest first. */
  readonly refusals: readonly PlatformError[];
}

type Needs = Pick<Platform, 'store' | 'vault' | 'settings' | 'now'>;

/** Settles strategy, approval and secrets of a deploy and says what stands against it; writes nothing. */
export async function prepareDeploy(platform: Needs, parts: DeployParts): Promise<PreparedDeploy> {
  const { store, settings, now } = platform;
  const { environment, release, manifest, config, cause } = parts;
  const { tenantId, projectId } = environment;
  const rules = environmentRules(environment, manifest, settings);
  const [block = null] = await store.releases.blocks(tenantId, [release.id]);
  const names = secretsOfRevision(manifest, environment.name, config);
  const pinned = parts.secretVersions ?? {};
  const resolved = await resolveSecrets(platform, { tenantId, id: projectId }, names, pinned);
  const replaced = Object.keys(pinned).filter((name) => {
    const used = resolved.versions[name];
    return used !== undefined && used !== pinned[name];
  });
  return {
    rules,
    strategy: strategyFor(cause, rules, parts.strategy),
    approval: needsApproval(cause) && (rules.approval || (await defaultBranchWantsApproval(platform, environment))),
    secretVersions: resolved.versions,
    secrets: resolved.values,
    missingSecrets: resolved.missing,
    warnings: replaced.map(
      (name) => `Secret ${name}: the version that it was deployed with was revoked, the current one takes its place.`,
    ),
    refusals: refusalsOf({ environment, rules, cause, release, block, at: now() }),
  };
}

/** Going back moves all traffic at once; whatever is new goes as the environment says. */
function strategyFor(cause: DeployCause, rules: EnvironmentRules, asked: Strategy | undefined): Strategy {
  if (asked) return asked;
  if (cause !== 'rollback' && cause !== 'repair') return rules.strategy;
  const keepWarmMs = rules.strategy.kind === 'rolling' ? 0 : rules.strategy.keepWarmMs;
  return { kind: 'blue_green', keepWarmMs };
}

function needsApproval(cause: DeployCause): boolean {
  return cause !== 'rollback' && cause !== 'repair';
}

/** Only the manifest of the project's default branch may do without an approval: a branch cannot deploy itself past it. */
async function defaultBranchWantsApproval(
  { store }: Pick<Platform, 'store'>,
  { name, tenantId, projectId, settings }: Environment,
): Promise<boolean> {
  if (settings.approval !== null) return settings.approval;
  const { branch } = await store.projects.get(tenantId, projectId);
  const latest = await store.manifests.latest(tenantId, projectId, branch);
  const manifest = latest && parseManifest(latest.manifest.yaml).manifest;
  return manifest?.environments[name]?.approval ?? false;
}

/** The release of a revision with its manifest and configuration. */
export async function partsOfRevision(
  { store }: { store: Pick<Records, 'releases' | 'configVersions' | 'manifests'> },
  revision: Pick<Revision, 'tenantId' | 'releaseId' | 'configVersionId'>,
): Promise<{ release: Release; manifest: Manifest; config: ConfigVersion }> {
  const release = await store.releases.get(revision.tenantId, revision.releaseId);
  const config = await store.configVersions.get(revision.tenantId, revision.configVersionId);
  return { release, manifest: await manifestOf({ store }, release), config };
}

/** The first state of a deploy. */
export function newDeploy(
  { newId, now }: Pick<Platform, 'newId' | 'now'>,
  { environment, cause, actor }: { environment: Environment; cause: DeployCause; actor: string },
  { revisionId, strategy, warnings }: Pick<Deploy, 'revisionId' | 'strategy' | 'warnings'>,
): Deploy {
  return {
    id: newId('dep'),
    tenantId: environment.tenantId,
    projectId: environment.projectId,
    environmentId: environment.id,
    revisionId,
    status: 'pending',
    phase: null,
    cause,
    rolledBackTo: null,
    failure: null,
    strategy,
    warnings,
    canary: null,
    canaryRequest: null,
    releaseCommands: [],
    approvedBy: null,
    approvedAt: null,
    createdBy: actor,
    cancelRequestedAt: null,
    cancelReason: null,
    createdAt: now(),
    startedAt: null,
    completedAt: null,
  };
}

import { createHash, randomBytes } from 'node:crypto';
import {
  type BuildArtifact,
  type BuildRun,
  type BuildSpec,
  type ConfigVersion,
  type Deploy,
  defaultStrategy,
  type Environment,
  encodeId,
  type Id,
  noEnvironmentSettings,
  type Organisation,
  type Project,
  type Release,
  type Revision,
  type Secret,
  type SecretVersion,
  uuidV7,
} from '@eve/domain';

let lastMs = 0;

/** An id; each later one sorts after those before, also within one millisecond. */
export function newId<Prefix extends string>(prefix: Prefix): Id<Prefix> {
  lastMs = Math.max(lastMs + 1, Date.now());
  return encodeId(prefix, uuidV7(lastMs, randomBytes(10)));
}

export const at = new Date('2026-01-02T03:04:05.678Z');

/** A digest as registries give it, made of a word. */
export function digestOf(word: string): string {
  return `sha256:${hashOf(word)}`;
}

/** The hex hash of a word. */
export function hashOf(word: string): string {
  return createHash('sha256').update(word).digest('hex');
}

export function sampleOrganisation(over: Partial<Organisation> = {}): Organisation {
  const id = newId('org');
  return { id, slug: `o${id.slice(-10)}`, name: 'Acme', tier: 'pro', createdAt: at, ...over };
}

export function sampleProject({ id: tenantId }: Pick<Organisation, 'id'>, over: Partial<Project> = {}): Project {
  const id = newId('proj');
  const place = { slug: `p${id.slice(-10)}`, name: 'Shop', repoUrl: 'https://git.example/acme/shop', branch: 'main' };
  return { id, tenantId, ...place, repoTokenSecret: null, createdAt: at, ...over };
}

type Owned = { readonly tenantId: Project['tenantId']; readonly projectId: Project['id'] };

/** What records of a project begin with. */
export function ownedBy({ id, tenantId }: Project): Owned {
  return { tenantId, projectId: id };
}

export function sampleSpec(project: Project, over: Partial<BuildSpec> = {}): Omit<BuildSpec, 'number'> {
  return {
    id: newId('bld'),
    ...ownedBy(project),
    source: { kind: 'git', sha: 'a'.repeat(40) },
    target: 'image',
    gitSha: 'a'.repeat(40),
    manifestHash: hashOf('manifest'),
    services: ['web'],
    inputs: null,
    registry: null,
    cache: null,
    specKey: hashOf(randomBytes(8).toString('hex')),
    createdBy: 'token:sample',
    createdAt: at,
    ...over,
  };
}

export function sampleRun(
  { id, tenantId, projectId }: Omit<BuildSpec, 'number'>,
  over: Partial<BuildRun> = {},
): BuildRun {
  return {
    id: newId('brun'),
    tenantId,
    projectId,
    buildId: id,
    status: 'pending',
    phase: null,
    backend: 'buildx',
    notes: [],
    attempt: 0,
    runnerRef: null,
    logsRef: null,
    failure: null,
    reusedFrom: null,
    cancelRequestedAt: null,
    cancelRequestedBy: null,
    cancelReason: null,
    retries: 0,
    queueDeadlineAt: null,
    limits: null,
    usage: null,
    verifies: null,
    verification: null,
    createdBy: 'token:sample',
    createdAt: at,
    startedAt: null,
    completedAt: null,
    ...over,
  };
}

export function sampleArtifact(run: BuildRun, over: Partial<BuildArtifact> = {}): BuildArtifact {
  const digest = digestOf(`${run.id} web`);
  const platforms = [{ platform: 'linux/amd64', manifest: digest, config: digestOf('config') }];
  return {
    id: newId('bart'),
    tenantId: run.tenantId,
    projectId: run.projectId,
    buildId: run.buildId,
    runId: run.id,
    serviceName: 'web',
    image: { registry: 'eve', repository: 'acme/shop/web' },
    tags: [`sha-${'a'.repeat(40)}`],
    digests: { digest, platforms },
    platforms: ['linux/amd64'],
    sizeBytes: 5_000_000_000,
    provenanceRef: null,
    sbomRef: null,
    createdAt: at,
    ...over,
  };
}

export function sampleRelease(project: Project, over: Partial<Release> = {}): Release {
  const image = { registry: 'eve', repository: 'acme/shop/web' };
  return {
    id: newId('rel'),
    ...ownedBy(project),
    gitSha: 'a'.repeat(40),
    manifestHash: hashOf('manifest'),
    images: { web: { image, digest: digestOf('web'), platforms: [] } },
    buildId: null,
    version: null,
    tag: null,
    local: false,
    createdBy: null,
    createdAt: at,
    ...over,
  };
}

export function sampleEnvironment(project: Project, over: Partial<Environment> = {}): Environment {
  const id = newId('env');
  const place = { name: `e${id.slice(-10)}`, kind: 'persistent', status: 'active' } as const;
  return {
    id,
    ...ownedBy(project),
    ...place,
    suspendedReason: null,
    settings: noEnvironmentSettings,
    lock: null,
    currentRevisionId: null,
    lastDeployId: null,
    createdAt: at,
    ...over,
  };
}

export function sampleConfig(
  { id, tenantId }: Environment,
  over: Partial<ConfigVersion> = {},
): Omit<ConfigVersion, 'number'> {
  const values = { '*': { LOG_LEVEL: { plain: 'info' } } };
  return {
    id: newId('cfg'),
    tenantId,
    environmentId: id,
    values,
    message: null,
    createdBy: null,
    createdAt: at,
    ...over,
  };
}

export function sampleRevision(
  release: Release,
  config: Pick<ConfigVersion, 'id' | 'environmentId'>,
  over: Partial<Revision> = {},
): Omit<Revision, 'number'> {
  return {
    id: newId('rev'),
    tenantId: release.tenantId,
    projectId: release.projectId,
    environmentId: config.environmentId,
    releaseId: release.id,
    configVersionId: config.id,
    secretVersions: {},
    restoredFrom: null,
    createdBy: null,
    createdAt: at,
    ...over,
  };
}

export function sampleDeploy(revision: Omit<Revision, 'number'>, over: Partial<Deploy> = {}): Deploy {
  const { tenantId, projectId, environmentId } = revision;
  return {
    id: newId('dep'),
    tenantId,
    projectId,
    environmentId,
    revisionId: revision.id,
    status: 'pending',
    phase: null,
    cause: 'direct',
    rolledBackTo: null,
    failure: null,
    strategy: defaultStrategy,
    warnings: [],
    canary: null,
    canaryRequest: null,
    releaseCommands: [],
    approvedBy: null,
    approvedAt: null,
    createdBy: null,
    cancelRequestedAt: null,
    cancelReason: null,
    createdAt: at,
    startedAt: null,
    completedAt: null,
    ...over,
  };
}

/** A secret of a project with its first version. */
export function sampleSecret(project: Project, key: string): { secret: Secret; version: SecretVersion } {
  const versionId = newId('sver');
  const secret: Secret = {
    id: newId('secr'),
    ...ownedBy(project),
    key,
    currentVersionId: versionId,
    createdAt: at,
    updatedAt: at,
  };
  const sealed = {
    masterKeyId: 'master',
    keyVersion: 1,
    wrappedKey: 'd3JhcHBlZA==',
    nonce: 'bm9uY2U=',
    ciphertext: 'c2VhbGVk',
  };
  const { id: secretId, tenantId } = secret;
  return {
    secret,
    version: { id: versionId, tenantId, secretId, sealed, createdBy: null, createdAt: at, revokedAt: null },
  };
}

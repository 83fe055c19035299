import { randomBytes } from 'node:crypto';
import { createNotifications, postgresLogs, workQueue } from '@eve/adapter-postgres';
import {
  newId,
  sampleConfig,
  sampleDeploy,
  samplePipelineRun,
  sampleRelease,
  sampleRevision,
  sampleStep,
  testDatabase,
} from '@eve/adapter-postgres/testing';
import type { Organisation } from '@eve/domain';
import { type Caller, createOrganisation, createToken, type Platform } from '@eve/operations';
import Fastify from 'fastify';
import { eveClient } from '../src/client.ts';
import { restRoutes } from '../src/index.ts';

/** The API over the real operations and a real database; engines are there only as far as a test gives them. */
export async function realApi(engines: Partial<Platform> = {}) {
  // What is stored here by hand has no work that would advance it, which the invariants would rightly miss.
  const test = await testDatabase({ invariants: false });
  const notifications = createNotifications(test.pool, { url: test.url });
  const failures: unknown[] = [];
  const platform = {
    store: test.store,
    queue: workQueue(test.pool, { url: test.url, notifications }),
    logs: postgresLogs(test.pool, { notifications }),
    vault: {
      seal: async () => ({ masterKeyId: 'm', keyVersion: 1, wrappedKey: '', nonce: '', ciphertext: '' }),
      open: async () => 'hunter22',
    },
    builders: { buildx: {} },
    deployer: { name: 'docker', unsupported: () => [], observe: async () => [] },
    settings: {
      installation: 'test',
      addresses: 'machine',
      registryHost: '127.0.0.1:5000',
      domain: 'localhost',
      routerPort: 8080,
      publicUrl: 'http://127.0.0.1:4600',
      buildBackend: null,
      buildQueueTimeoutMs: 7_200_000,
      localSources: false,
      sharedEngine: false,
      defaultTier: 'free',
      stabiliseMs: 10_000,
      driftMs: 5_000,
      retention: { revisions: 10, releases: 20, builds: 20, imagesMs: 0, logsMs: 0, everyMs: 0 },
    },
    log: { info: () => {}, warn: () => {}, error: (fields: object) => failures.push(fields) },
    now: () => new Date(),
    newId,
    failpoint: () => {},
    ...engines,
    // The parts that these tests reach.
  } as unknown as Platform;
  const app = Fastify({ forceCloseConnections: true });
  await app.register(restRoutes, { platform, version: '0.0.0' });
  const url = await app.listen({ host: '127.0.0.1', port: 0 });

  return {
    app,
    store: test.store,
    pool: test.pool,
    logs: platform.logs,
    failures,
    /** An organisation with a token that may everything in it. */
    async tenant(name: string) {
      const operator: Caller = {
        actor: 'system',
        tenantId: newId('org'),
        scopes: ['admin'],
        projectId: null,
        operator: true,
      };
      const organisation = await createOrganisation(platform, operator, { name, slug: name });
      const owner: Caller = { ...operator, tenantId: organisation.id, operator: false };
      const { text, token } = await createToken(platform, owner, { name, scopes: ['admin'] });
      return {
        organisation,
        token,
        text,
        client: eveClient({ url, token: text }),
        headers: { authorization: `Bearer ${text}` },
      };
    },
    async [Symbol.asyncDispose]() {
      await app.close();
      await notifications[Symbol.asyncDispose]();
      await test[Symbol.asyncDispose]();
    },
  };
}

export const manifestYaml = `services:
  web:
    build:
      context: .
    ports: [8080]
pipelines:
  deploy:
    steps:
      - name: build
        action: { type: build }
`;

export type RealApi = Awaited<ReturnType<typeof realApi>>;
export type Tenant = Awaited<ReturnType<RealApi['tenant']>>;

/** One of everything in a tenant, and the ids by which paths name them. */
export async function furnish({ store }: Pick<RealApi, 'store'>, { client, organisation, token }: Tenant) {
  const gitSha = randomBytes(20).toString('hex');
  const project = await client.createProject({ name: 'Shop' });
  const { manifest_hash } = await client.syncManifest(project.id, { yaml: manifestYaml, git_sha: gitSha });
  const build = await client.createBuild(project.id, { git_sha: gitSha, manifest_hash });
  const run = await client.startBuildRun(build.id);
  await client.createEnvironment(project.id, { name: 'test' });
  await client.setSecret({ project: project.id }, { key: 'PASSWORD', value: 'hunter22' });
  await client.setSecret({ organisation: organisation.id }, { key: 'PASSWORD', value: 'hunter22' });
  const stored = await storeRest(store, organisation, project.id, { gitSha, manifestHash: manifest_hash });
  return {
    gitSha,
    manifestHash: manifest_hash,
    projectId: project.id,
    buildId: build.id,
    runId: run.id,
    tokenId: token.id,
    orgId: organisation.id,
    ...stored,
  };
}

async function storeRest(
  store: RealApi['store'],
  { id: tenantId }: Organisation,
  projectId: string,
  commit: { readonly gitSha: string; readonly manifestHash: string },
) {
  const project = (await store.projects.list(tenantId, { limit: 1 })).items[0];
  if (project?.id !== projectId) throw new Error('The project is not there.');
  const environment = await store.environments.findByName(tenantId, project.id, 'test');
  if (!environment) throw new Error('The environment is not there.');
  const release = sampleRelease(project, { tag: 'v1', ...commit });
  await store.releases.insert(release);
  const config = await store.configVersions.insert(sampleConfig(environment));
  const revision = await store.revisions.insert(sampleRevision(release, config));
  const deploy = sampleDeploy(revision);
  await store.deploys.insert(deploy);
  const pipelineRun = samplePipelineRun(project);
  await store.pipelineRuns.insert(pipelineRun, [sampleStep(pipelineRun)]);
  return { releaseId: release.id, deployId: deploy.id, pipelineRunId: pipelineRun.id };
}

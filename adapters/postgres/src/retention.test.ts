import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { Project, Release } from '@eve/domain';
import type { Endpoint } from '@eve/operations';
import {
  at,
  digestOf,
  expireLease,
  leaseFor,
  sampleArtifact,
  sampleConfig,
  sampleDeploy,
  sampleEnvironment,
  sampleOrganisation,
  samplePipelineRun,
  sampleProject,
  sampleRelease,
  sampleRevision,
  sampleRun,
  sampleSpec,
  sampleStep,
  type TestDatabase,
  testDatabase,
} from '../testing/index.ts';

const ended = { startedAt: at, completedAt: at } as const;

describe('what retention reads', () => {
  let db: TestDatabase;
  let project: Project;

  before(async () => {
    // Work that is recorded here without anybody who would carry it out.
    db = await testDatabase({ invariants: false });
    const organisation = sampleOrganisation({ slug: 'acme', tier: 'dedicated' });
    project = sampleProject(organisation, { slug: 'shop' });
    await db.store.organisations.insert(organisation);
    await db.store.projects.insert(project);
  });
  after(() => db[Symbol.asyncDispose]());

  async function newRelease(over: Partial<Release> = {}): Promise<Release> {
    const release = sampleRelease(project, over);
    await db.store.releases.insert(release);
    return release;
  }

  const releaseFacts = async (release: Release) => {
    const all = await db.store.retention.releases(project.tenantId, project.id);
    return all.find(({ id }) => id === release.id) ?? assert.fail('It is not there.');
  };

  it('where a project’s images stand', async () => {
    assert.deepEqual(await db.store.retention.projects(), [
      { tenantId: project.tenantId, projectId: project.id, prefix: 'acme/shop/' },
    ]);
  });

  it('of a revision: whether it was healthy, serves, and is busy with a deploy or with instances', async () => {
    const { store } = db;
    const release = await newRelease();
    const environment = sampleEnvironment(project);
    await store.environments.insert(environment);
    const config = await store.configVersions.insert(sampleConfig(environment));
    const revision = () => store.revisions.insert(sampleRevision(release, config));
    const [old, up, current, waiting, failed] = [
      await revision(),
      await revision(),
      await revision(),
      await revision(),
      await revision(),
    ];
    const drained = sampleDeploy(up, { status: 'healthy', ...ended });
    for (const each of [old, current]) await store.deploys.insert(sampleDeploy(each, { status: 'healthy', ...ended }));
    for (const each of [drained, sampleDeploy(waiting), sampleDeploy(failed, { status: 'cancelled', ...ended })])
      await store.deploys.insert(each);
    await store.environments.update({ ...environment, currentRevisionId: current.id });
    const lease = await leaseFor(db, 'execute-deploy', drained);
    const endpoint: Endpoint = {
      ...{ tenantId: project.tenantId, environmentId: environment.id, deployId: drained.id, service: 'web' },
      ...{ instance: 'web-1', containerPort: 80, host: '127.0.0.1', port: 40_000 },
      ...{ state: 'draining', weight: 100, warmUntil: null },
    };
    await store.endpoints.upsert(endpoint, lease);
    await expireLease(db, lease);

    const facts = await store.retention.revisions(project.tenantId, { environmentId: environment.id });

    assert.deepEqual(
      facts.map(({ number, wasHealthy, isCurrent, isBusy }) => [number, wasHealthy, isCurrent, isBusy]),
      [
        [5, false, false, false],
        [4, false, false, true],
        [3, true, true, false],
        [2, true, false, true],
        [1, true, false, false],
      ],
    );
    assert.deepEqual(await store.retention.revisions(project.tenantId, { projectId: project.id }), facts);
    assert.deepEqual(await store.retention.revisions('org_other', { projectId: project.id }), []);
    assert.equal((await releaseFacts(release)).hasRun, true);
  });

  it('of a release: who blocked it, and whether a pipeline that has not ended names it', async () => {
    const { store } = db;
    const [free, named, over] = [await newRelease(), await newRelease(), await newRelease()];
    const block = { releaseId: free.id, reason: 'leaks', blockedBy: 'token:ann', blockedAt: at };
    await store.releases.block(project.tenantId, block);
    for (const [release, status] of [
      [named, 'running'],
      [over, 'succeeded'],
    ] as const) {
      const run = samplePipelineRun(project, { status, startedAt: at, completedAt: status === 'running' ? null : at });
      const output = { release_id: release.id };
      await store.pipelineRuns.insert(run, [
        sampleStep(run, { action: 'release', status: 'succeeded', output, startedAt: at, completedAt: at }),
      ]);
    }

    const facts = await Promise.all([free, named, over].map(releaseFacts));

    assert.deepEqual(
      facts.map(({ hasRun, isBusy, blockedBy }) => [hasRun, isBusy, blockedBy]),
      [
        [false, false, 'token:ann'],
        [false, true, null],
        [false, false, null],
      ],
    );
  });

  it('of builds beyond the newest: what names them, by build or by digest; and which builds pushed a digest', async () => {
    const { store } = db;
    const specs = [];
    for (const letter of ['a', 'b', 'c', 'd']) {
      const spec = await store.buildSpecs.insertOrGet(sampleSpec(project, { gitSha: letter.repeat(40) }));
      const run = sampleRun(spec, { status: 'completed', attempt: 1, ...ended });
      await store.buildRuns.insert(run);
      const digests = { digest: digestOf(`pushed ${letter}`), platforms: [] };
      await store.buildArtifacts.insert(sampleArtifact(run, { digests }), null);
      specs.push(spec);
    }
    const [first, second, third] = specs;
    const image = { registry: 'eve', repository: 'acme/shop/web' };
    const byDigest = await newRelease({ images: { web: { image, digest: digestOf('pushed a'), platforms: [] } } });
    const byBuild = await newRelease({ buildId: second?.id ?? null });

    const facts = await store.retention.builds(project.tenantId, project.id, { keep: 1, limit: 10 });

    assert.deepEqual(
      facts.map(({ id, isBusy, releases }) => [id, isBusy, releases]),
      [
        [first?.id, false, [byDigest.id]],
        [second?.id, false, [byBuild.id]],
        [third?.id, false, []],
      ],
    );
    assert.deepEqual(await store.retention.pushedBy([digestOf('pushed c'), digestOf('pushed by nobody')]), [
      { digest: digestOf('pushed c'), buildId: third?.id },
    ]);
    const shas = ['a', 'e'].map((letter) => `${project.id}/${letter.repeat(40)}`);
    assert.deepEqual(await store.retention.named('source', shas), shas.slice(0, 1));
  });
});

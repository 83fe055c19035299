import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { ApiError } from '@eve/protocol-rest/client';
import type { BuildRun } from '@eve/protocol-rest/contract';
import pg from 'pg';
import type { Defer, Scene } from '../failures/scene.ts';
import type { Installation } from '../journeys/installation.ts';
import type { RecordedAnswers } from './recorded-answers.ts';
import { canaries, secretCases } from './secret-cases.ts';

/** An installation that is used, and what it answers. */
export interface Use {
  readonly scene: Scene;
  readonly answers: RecordedAnswers;
}

/** Lets secrets come by everywhere: builds of every end, deploys, wrong requests, every way to read of them. */
export async function useSecrets(use: Use, registryHost: string, defer: Defer): Promise<void> {
  const { scene } = use;
  await askWrongly(use);
  const runs = new Map(
    await Promise.all(
      secretCases(registryHost).map(async (it) => {
        const run = await scene.start({ ...it, expect: { code: '', phase: '', message: /./, retry: false } }, defer);
        if (it.ends === 'cancelled') await cancelWhenPrinted(scene, run);
        else await followed(scene, run);
        const ended = await scene.ended(run);
        assert.equal([ended.status, ended.error?.code].filter(Boolean).join(': '), it.ends, JSON.stringify(ended));
        return [it.name, ended] as const;
      }),
    ),
  );
  const shipped = runs.get('shipped');
  assert.ok(shipped);
  await Promise.all([deployed(scene, shipped), verified(scene, shipped), readAll(use, runs.values())]);
  await archived(scene.installation);
  await readAll(use, runs.values());
}

/** The address and the owner's token of an installation. */
export async function credentialsOf({ dataDir }: Installation): Promise<{ url: string; token: string }> {
  // Eve's own file.
  return JSON.parse(await readFile(join(dataDir, 'credentials.json'), 'utf8')) as { url: string; token: string };
}

/** The address of the database that an installation has started. */
export async function databaseUrl({ dataDir }: Installation): Promise<string> {
  const [port, password] = await Promise.all(
    ['port', 'password'].map(async (name) => (await readFile(join(dataDir, 'postgres', name), 'utf8')).trim()),
  );
  return `postgres://eve:${password}@127.0.0.1:${port}/eve`;
}

/** Requests that are refused, and what was sent with them. */
async function askWrongly({ scene, answers }: Use): Promise<void> {
  const { client, installation } = scene;
  const { url } = await credentialsOf(installation);
  const { value } = canaries.webhook;
  const { data } = await client.listOrganisations();
  const organisation = data[0]?.id ?? '';
  await client.setSecret({ organisation }, { key: 'WEBHOOK_SECRET', value });
  await client.setSecret({ system: true }, { key: 'SYSTEM_WEBHOOK_SECRET', value });
  await client.showSecret({ system: true }, 'SYSTEM_WEBHOOK_SECRET');
  // The operator gives this installation its key.
  await refused(client.rotateMasterKey());
  await refused(client.setSecret({ organisation }, { key: 'not a name', value }));
  await refused(client.getBuild(canaries.internalKey.value));
  const bearer = (token: string) => ({ authorization: `Bearer ${token.replaceAll(/[^!-~]/g, '')}` });
  await answers.fetch(`${url}/projects`, { headers: bearer(canaries.runSecret.value) });
  await answers.fetch(`${url}/internal/registry/token`, {
    method: 'POST',
    headers: {
      ...bearer(canaries.internalKey.value),
      'x-internal-api-key': canaries.internalKey.value,
      'content-type': 'application/json',
    },
    body: JSON.stringify({ scope: 'nothing' }),
  });
}

/** The run's log as it comes, in one of the forms in which it is followed. */
async function followed({ client }: Scene, run: BuildRun): Promise<void> {
  for await (const event of client.followBuildLogs(run.build_id, { runId: run.id })) if (event.type === 'end') return;
}

async function cancelWhenPrinted({ client }: Scene, run: BuildRun): Promise<void> {
  for await (const event of client.followBuildLogs(run.build_id, { runId: run.id })) {
    if (event.type === 'log' && JSON.stringify(event.line).includes('printed-everything')) break;
  }
  await client.cancelBuild(run.build_id, { reason: 'enough' });
}

/** Deploys what was shipped: once so that it serves, and once so that it fails after printing its secret. */
async function deployed({ client }: Scene, shipped: BuildRun): Promise<void> {
  const { build_id: buildId } = shipped;
  const { project_id: project } = await client.getBuild(buildId);
  const release = await client.createRelease(project, { build_id: buildId, tag: 'first' });
  await Promise.all(
    ['test', 'broken'].map(async (name) => {
      await client.createEnvironment(project, { name });
      if (name === 'broken') await client.setConfiguration(project, name, { set: { FAILS: 'yes' }, deploy: false });
      const { deploy } = await client.requestDeploy(project, name, { release_tag: release.tag, direct: true });
      assert.ok(deploy);
      for await (const event of client.followDeployLogs(deploy.id)) if (event.type === 'end') break;
      const ended = await client.getDeploy(deploy.id);
      assert.equal(ended.status, name === 'test' ? 'healthy' : 'failed', JSON.stringify(ended));
      await client.environmentStatus(project, name);
      // Of what failed nothing is left to be asked.
      if (name === 'test') await client.environmentLogs(project, name, { service: 'web' });
      await client.deployLogs(deploy.id);
      await client.getConfiguration(project, name);
      await client.compareConfigurations(project, name);
      await client.listRevisions(project, name);
      await client.listDeploys(project, name);
    }),
  );
  await client.listSecrets({ project }, { inherited: true });
  await client.showSecret({ project }, 'RUN_SECRET');
  await client.latestManifest(project);
  await refused(client.resolveRef(project, 'no-such-branch'));
}

/** Where the engine can: builds what was shipped again, to compare. */
async function verified(scene: Scene, shipped: BuildRun): Promise<void> {
  try {
    const run = await scene.client.verifyBuild(shipped.build_id);
    await followed(scene, run);
  } catch (error) {
    assert.ok(error instanceof ApiError && error.code === 'engine_capability_missing', String(error));
  }
}

/** Everything that can be asked of the builds, with their logs in each form. */
async function readAll({ scene, answers }: Use, runs: Iterable<BuildRun>): Promise<void> {
  const { client, installation } = scene;
  const credentials = await credentialsOf(installation);
  await Promise.all(
    [...runs].map(async ({ build_id: buildId, id }) => {
      await client.buildLogs(buildId, { run_id: id, limit: 1000 });
      await client.diagnoseBuild(buildId);
      await client.listBuildSteps(buildId, id);
      await client.listBuildRuns(buildId);
      await client.listBuildArtifacts(buildId, { run_id: id });
      for (const accept of ['application/x-ndjson', 'text/plain', 'text/event-stream'])
        await (
          await answers.fetch(`${credentials.url}/builds/${buildId}/logs?run_id=${id}`, {
            headers: { accept, authorization: `Bearer ${credentials.token}` },
          })
        ).text();
    }),
  );
  for (let after: number | undefined = 0; after !== undefined; ) {
    const { data } = await client.listEvents({ after, limit: 100 });
    after = data.at(-1)?.sequence;
  }
  await client.listQueue();
  await client.listTokens();
  await client.me();
}

/** Resolves when every log of a build has left the database. */
async function archived(eve: Installation): Promise<void> {
  const db = new pg.Client({ connectionString: await databaseUrl(eve) });
  await db.connect();
  try {
    for (const until = Date.now() + 60_000; Date.now() < until; await sleep(200)) {
      const { rowCount } = await db.query("select from log_streams where not archived and subject_id like 'brun_%'");
      if (rowCount === 0) return;
    }
    assert.fail('The logs were not archived.');
  } finally {
    await db.end();
  }
}

async function refused(call: Promise<unknown>): Promise<void> {
  await assert.rejects(call, ApiError);
}

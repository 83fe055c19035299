import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { startLoad } from '@eve/local';
import { ApiError, type EveClient } from '@eve/protocol-rest/client';
import type { Deploy } from '@eve/protocol-rest/contract';
import { commit, repositoryWith } from '../../apps/cli/testing/repository.ts';
import { type Installation, installation, type StartedEve } from '../journeys/installation.ts';
import { testEngine } from './test-engine.ts';
import { until } from './until.ts';

const manifest = `services:
  web:
    build: .
    ports: [3000]
    stop_grace_period: 2s
    x-eve:
      probes:
        ready: { path: /, interval: 200ms, timeout: 500ms, retries: 2, start_period: 1s }
environments:
  test: { stabilise: 0s }
  other: { stabilise: 3s }
`;
/** Misbehaves as its configuration says. */
const program = `import { createServer } from 'node:http';
const { PORT, CRASH, LISTEN, HANG, SICK_AFTER } = process.env;
if (CRASH) { console.log('giving up: ' + CRASH); process.exit(7); }
const began = Date.now();
const server = createServer((_, answer) => {
  if (HANG) return;
  if (SICK_AFTER && Date.now() - began > Number(SICK_AFTER)) answer.statusCode = 503;
  answer.end('fine');
});
server.keepAliveTimeout = 70_000;
server.listen(Number(LISTEN ?? PORT), '0.0.0.0');
process.on('SIGTERM', () => server.close(() => process.exit(0)));
`;

describe('what goes wrong with a deploy', () => {
  let eve: Installation;
  let started: StartedEve;
  let client: EveClient;
  let project: string;
  let load: ReturnType<typeof startLoad>;

  const deployed = async (environment: string, tag: string): Promise<Deploy> => {
    const { deploy } = await client.requestDeploy(project, environment, { release_tag: tag, direct: true });
    assert.ok(deploy);
    return ended(deploy.id);
  };
  const ended = async (id: string): Promise<Deploy> => {
    await until(async () => (await client.getDeploy(id)).completed_at !== null);
    return client.getDeploy(id);
  };
  /** Deploys what runs with one variable more, which is taken away again. */
  const misbehaving = async (environment: string, name: string, value: string): Promise<Deploy> => {
    const { deploy } = await client.setConfiguration(project, environment, { set: { [name]: value } });
    assert.ok(deploy);
    const end = await ended(deploy.id);
    await client.setConfiguration(project, environment, { unset: [name], deploy: false });
    return end;
  };
  const revisionOf = async (environment: string) =>
    (await client.environmentStatus(project, environment)).revision?.number;
  const refusal = async (asked: Promise<unknown>): Promise<ApiError> => {
    const error = await asked.then(
      () => null,
      (reason: unknown) => reason,
    );
    assert.ok(error instanceof ApiError, 'it was not refused');
    return error;
  };

  before(async () => {
    eve = await installation(testEngine);
    started = await eve.start('Eve is ready', '--no-example');
    client = await eve.client();
    const directory = join(eve.dataDir, 'cases', 'app');
    await repositoryWith(directory, { 'README.md': 'Misbehaves on demand.\n' });
    project = (await client.createProject({ name: 'app', repo_url: directory, branch: 'main' })).id;
    const dockerfile = 'FROM node:24-slim\nWORKDIR /app\nCOPY main.mjs version ./\nCMD ["node", "main.mjs"]\n';
    for (const tag of ['first', 'second']) {
      const files = { '.eve/manifest.yaml': manifest, Dockerfile: dockerfile, 'main.mjs': program, version: tag };
      const sha = await commit(directory, files, tag);
      const { manifest_hash } = await client.syncManifest(project, { yaml: manifest, git_sha: sha });
      const build = await client.createBuild(project, { git_sha: sha, manifest_hash });
      const run = await client.startBuildRun(build.id);
      await until(async () => (await client.getBuildRun(build.id, run.id)).completed_at !== null);
      await client.createRelease(project, { build_id: build.id, tag });
    }
    for (const environment of ['test', 'other']) {
      const deploy = await deployed(environment, 'first');
      assert.equal(deploy.status, 'healthy', JSON.stringify(deploy.error));
    }
    const { services } = await client.environmentStatus(project, 'test');
    const url = services.flatMap(({ urls }) => urls).find((each) => each.startsWith('http://127.0.0.1:'));
    assert.ok(url);
    // Nobody who uses it may notice any of this; only what turns ill after its switch, in the other one, is seen.
    load = startLoad(url, 50);
  });
  after(async () => {
    const report = await load?.stop();
    await started?.interrupt();
    await eve?.[Symbol.asyncDispose]();
    assert.deepEqual(report && { failed: report.failed, errors: report.errors }, { failed: 0, errors: [] });
  });

  it('is told of a program that exits, with what it said', async () => {
    const before = await revisionOf('test');

    const { status, error, rolled_back_to: back } = await misbehaving('test', 'CRASH', 'no config');

    assert.deepEqual([status, error?.code, back], ['failed', 'container_exited', null]);
    assert.ok(error?.logs.some((line) => line.includes('giving up: no config')));
    assert.equal(await revisionOf('test'), before);
  });

  it('is told of a wrong port, and of a check that hangs, with every answer', async () => {
    const [port, hang] = await Promise.all([
      misbehaving('test', 'LISTEN', '9999'),
      misbehaving('other', 'HANG', 'yes'),
    ]);

    assert.deepEqual([port.status, port.error?.code], ['failed', 'health_check_failed']);
    assert.match(port.error?.hint ?? '', /9999/);
    assert.deepEqual([hang.status, hang.error?.code], ['failed', 'health_check_failed']);
    assert.match(hang.error?.message ?? '', /no answer in time/);
    for (const { error } of [port, hang]) {
      assert.ok((error?.instances[0]?.probes.length ?? 0) > 3);
      assert.equal(error?.instances[0]?.state, 'running');
    }
  });

  it('goes back by itself from a revision that turns ill after its switch', async () => {
    const before = await revisionOf('other');

    const ill = await misbehaving('other', 'SICK_AFTER', '2500');

    assert.deepEqual([ill.status, ill.error?.code], ['failed', 'unstable']);
    assert.ok(ill.rolled_back_to);
    assert.equal(await revisionOf('other'), before);
  });

  it('is refused before anything begins where a secret is missing', async () => {
    const error = await refusal(
      client.setConfiguration(project, 'test', { set: { KEY: { secret: 'NOT_SET_ANYWHERE' } } }),
    );

    assert.deepEqual([error.status, error.code], [400, 'secret_missing']);
    assert.match(error.message, /NOT_SET_ANYWHERE/);
  });

  it('is refused against an older configuration, naming the newer one', async () => {
    const { version } = await client.setConfiguration(project, 'other', { set: { LEVEL: '1' }, deploy: false });
    assert.ok(version);
    await client.setConfiguration(project, 'other', { set: { LEVEL: '2' }, deploy: false });

    const edit = { set: { LEVEL: '3' }, deploy: false, expected_version: version.number };
    const error = await refusal(client.setConfiguration(project, 'other', edit));

    assert.deepEqual([error.status, error.code], [409, 'configuration_changed']);
    assert.match(error.message, new RegExp(`\\b${version.number + 1}\\b`));
    await client.setConfiguration(project, 'other', { unset: ['LEVEL'], deploy: false });
  });

  it('is refused in an environment that is suspended, locked, or not there', async () => {
    const ask = (environment: string) =>
      client.requestDeploy(project, environment, { release_tag: 'second', direct: true });
    await client.suspendEnvironment(project, 'other', { reason: 'moving' });
    const suspended = await refusal(ask('other'));
    await client.resumeEnvironment(project, 'other');
    await client.lockEnvironment(project, 'other', { reason: 'counting' });
    const locked = await refusal(ask('other'));
    await client.unlockEnvironment(project, 'other');
    const unknown = await refusal(ask('nowhere'));

    assert.deepEqual([suspended.status, suspended.code], [409, 'environment_suspended']);
    assert.deepEqual([locked.status, locked.code], [409, 'environment_locked']);
    assert.match(locked.message, /counting/);
    assert.deepEqual([unknown.status, unknown.code], [404, 'environment_not_found']);
    assert.match(unknown.message, /other.*test|test.*other/);
  });

  it('is refused with a blocked release, also as a way back', async () => {
    assert.equal((await deployed('other', 'second')).status, 'healthy');
    await client.blockRelease(project, 'first', { reason: 'loses orders' });

    const deploy = await refusal(
      client.requestDeploy(project, 'test', { release_tag: 'first', direct: true, inputs: {} }),
    );
    const back = await refusal(client.rollbackEnvironment(project, 'other', { to: '1' }));

    assert.deepEqual([deploy.status, deploy.code], [409, 'release_blocked']);
    assert.equal(back.status, 409);
    for (const { message } of [deploy, back]) assert.match(message, /loses orders/);
    await client.unblockRelease(project, 'first');
  });

  it('comes one after another when two are asked for at once', async () => {
    const asked = await Promise.all(
      ['first', 'second', 'first'].map((tag) =>
        client.requestDeploy(project, 'other', { release_tag: tag, direct: true }),
      ),
    );

    const ends = await Promise.all(asked.map(({ deploy }) => ended(deploy?.id ?? '')));

    const last = ends.toSorted((a, b) => a.id.localeCompare(b.id)).at(-1);
    assert.equal(last?.status, 'healthy');
    for (const { status } of ends) assert.ok(status === 'healthy' || status === 'superseded', status);
    assert.equal((await client.environmentStatus(project, 'other')).status, 'ready');
  });
});

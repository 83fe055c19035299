import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, it } from 'node:test';
import { dockerEngine, listContainers } from '@eve/adapter-docker';
import { findEngine } from '@eve/local';
import { commit, repositoryWith } from '../../apps/cli/testing/repository.ts';
import { type Installation, installation, type StartedEve } from '../journeys/installation.ts';
import { testEngine } from './test-engine.ts';
import { until } from './until.ts';

// Fails when it is run a second time.
const migration = 'psql --set=ON_ERROR_STOP=1 --command="create table products (name text)"';
const manifest = (command: string) => `services:
  app:
    build: .
    depends_on:
      db: { condition: service_healthy }
    stop_grace_period: 1s
    environment: { PGHOST: db, PGUSER: postgres, PGPASSWORD: of-a-test }
    x-eve:
      release_command: ${JSON.stringify(command)}
  db:
    build: ./db
    expose: [5432]
    environment: { POSTGRES_PASSWORD: of-a-test }
    volumes: ["data:/var/lib/postgresql/data"]
    healthcheck: { test: ["CMD", "pg_isready", "--host=127.0.0.1"], interval: 1s, start_period: 60s }
volumes:
  data: {}
`;
const files = {
  Dockerfile: 'FROM postgres:15\nENTRYPOINT ["sleep"]\nCMD ["infinity"]\n',
  'db/Dockerfile': 'FROM postgres:15\n',
};

let eve: Installation;
let started: StartedEve;

before(async () => {
  eve = await installation({ ...testEngine, EVE_LEASE_SECONDS: '3' });
});
after(async () => {
  await started?.interrupt();
  await eve?.[Symbol.asyncDispose]();
});

it('a migration of a first deploy finds its database, and happens once although Eve is killed after it', async () => {
  started = await eve.start('Eve is ready', '--no-example');
  let client = await eve.client();
  const directory = join(eve.dataDir, 'cases', 'app');
  await repositoryWith(directory, { 'README.md': 'Migrates before it begins.\n' });
  const project = (await client.createProject({ name: 'app', repo_url: directory, branch: 'main' })).id;
  const release = async (tag: string, command: string) => {
    const yaml = manifest(command);
    const sha = await commit(directory, { ...files, '.eve/manifest.yaml': yaml, tag }, tag);
    const { manifest_hash } = await client.syncManifest(project, { yaml, git_sha: sha });
    const build = await client.createBuild(project, { git_sha: sha, manifest_hash });
    const run = await client.startBuildRun(build.id);
    await until(async () => (await client.getBuildRun(build.id, run.id)).completed_at !== null);
    await client.createRelease(project, { build_id: build.id, tag });
  };
  const deploy = async (tag: string, environment: string) => {
    const { deploy } = await client.requestDeploy(project, environment, { release_tag: tag, direct: true });
    assert.ok(deploy);
    return deploy.id;
  };
  const ended = async (id: string) => {
    await until(async () => (await client.getDeploy(id)).completed_at !== null);
    return client.getDeploy(id);
  };
  await release('good', migration);
  await release('bad', `${migration} && exit 3`);
  await started.interrupt();
  eve.variables.EVE_FAILPOINT = 'after-release-command';
  started = await eve.start('Eve is ready', '--no-example');
  client = await eve.client();
  const asked = await deploy('good', 'test');
  // A deploy that ends before the failpoint would be waited for in vain.
  await Promise.race([
    started.gone(),
    ended(asked)
      .catch(() => started.gone())
      .then((deploy) => deploy && assert.fail(`It ended before: ${JSON.stringify(deploy.error)}`)),
  ]);
  delete eve.variables.EVE_FAILPOINT;
  started = await eve.start('Eve is ready', '--no-example');
  client = await eve.client();

  const good = await ended(asked);
  const containers = await instances((await client.environmentStatus(project, 'test')).environment.id);
  const bad = await ended(await deploy('bad', 'other'));

  assert.equal(good.status, 'healthy', JSON.stringify(good.error));
  assert.deepEqual(
    good.release_commands.map(({ service, exit_code }) => [service, exit_code]),
    [['app', 0]],
  );
  assert.equal(containers.length, 2);
  assert.equal(bad.error?.code, 'release_command_failed', JSON.stringify(bad.error));
  assert.match(bad.error?.message ?? '', /exited with 3; nothing new serves/);
  assert.deepEqual(await instances((await client.environmentStatus(project, 'other')).environment.id), []);
});

/** Containers of an environment's services on the engine, whatever Eve says. */
async function instances(environmentId: string): Promise<readonly { Id: string }[]> {
  const found = await findEngine({ dataDir: eve.dataDir, dockerHost: testEngine.DOCKER_HOST ?? null });
  assert.ok(found);
  return listContainers(dockerEngine({ socketPath: found.host }), [
    `eve.environment=${environmentId}`,
    'eve.role=instance',
  ]);
}

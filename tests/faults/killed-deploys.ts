import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { startLoad } from '@eve/local';
import type { EveClient } from '@eve/protocol-rest/client';
import type { Deploy } from '@eve/protocol-rest/contract';
import { commit, repositoryWith } from '../../apps/cli/testing/repository.ts';
import type { Ground } from '../journeys/ground.ts';
import { type Installation, installation, type StartedEve } from '../journeys/installation.ts';
import { allEvents, until } from './until.ts';

export interface KilledAt {
  /** The failpoint at which Eve dies. */
  readonly point: string;
  readonly strategy: string;
}

const leaseSeconds = 3;
const versions = ['one', 'two'] as const;
const environment = 'test';

const manifest = `services:
  web:
    build: .
    ports: [3000]
    deploy: { replicas: 2 }
    stop_grace_period: 5s
    x-eve:
      release_command: echo migrated
      probes:
        ready: { path: /, interval: 200ms }
environments:
  ${environment}: { stabilise: 1s }
`;
const files = (version: string) => ({
  '.eve/manifest.yaml': manifest,
  version,
  Dockerfile: 'FROM node:24-slim\nWORKDIR /app\nCOPY main.mjs version ./\nCMD ["node", "main.mjs"]\n',
  'main.mjs': `import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
const version = readFileSync('version', 'utf8');
let leaving = false;
const server = createServer((_, answer) => {
  if (leaving) answer.setHeader('connection', 'close');
  answer.end(version);
});
server.keepAliveTimeout = 70_000;
server.listen(Number(process.env.PORT), '0.0.0.0');
// Whoever keeps a connection is told first: nothing between it and a Service would ask again.
process.on('SIGTERM', () => {
  leaving = true;
  setTimeout(() => server.close(() => process.exit(0)), 2_000);
});
`,
});

/** Kills Eve in the middle of deploys under load: each ends healthy, and nobody's request fails. */
export function testKilledDeploys(ground: Ground, cases: readonly KilledAt[]): void {
  describe(`a deploy whose Eve is killed, on ${ground.name},`, () => {
    let eve: Installation;
    let started: StartedEve;
    let client: EveClient;
    let project: string;
    let url: string;
    const tags: Record<string, string> = {};
    const start = async (failpoint?: string) => {
      if (failpoint) eve.variables.EVE_FAILPOINT = failpoint;
      else delete eve.variables.EVE_FAILPOINT;
      started = await eve.start('Eve is ready', '--no-example');
      client = await eve.client();
    };

    before(async () => {
      eve = await installation({ ...(await ground.settings()), EVE_LEASE_SECONDS: String(leaseSeconds) });
      await start();
      const directory = join(eve.dataDir, 'cases', 'app');
      await repositoryWith(directory, { 'README.md': 'Killed now and then.\n' });
      project = (await client.createProject({ name: 'app', repo_url: directory, branch: 'main' })).id;
      for (const version of versions) {
        const sha = await commit(directory, files(version), version);
        const { manifest_hash } = await client.syncManifest(project, { yaml: manifest, git_sha: sha });
        const build = await client.createBuild(project, { git_sha: sha, manifest_hash });
        const run = await client.startBuildRun(build.id);
        await until(async () => (await client.getBuildRun(build.id, run.id)).completed_at !== null);
        tags[version] = `app-${version}`;
        await client.createRelease(project, { build_id: build.id, tag: tags[version] });
      }
      const first = await ended(await deploy('one', 'blue-green'));
      assert.equal(first.status, 'healthy', JSON.stringify(first.error));
      url = await ground.urlOf(client, project, environment, 'web');
    });
    after(async () => {
      await started?.interrupt();
      await eve?.[Symbol.asyncDispose]();
    });

    const deploy = async (version: string, strategy: string): Promise<Deploy> => {
      const asked = { release_tag: tags[version], direct: true, strategy };
      const answer = await client.requestDeploy(project, environment, asked);
      assert.ok(answer.deploy);
      return answer.deploy;
    };
    const ended = async ({ id }: Deploy): Promise<Deploy> => {
      let now = await client.getDeploy(id);
      await until(async () => {
        now = await client.getDeploy(id);
        return now.completed_at !== null;
      });
      return now;
    };

    let serving: (typeof versions)[number] = 'one';
    for (const { point, strategy } of cases) {
      it(`${point} (${strategy}) ends healthy, and nobody's request fails`, async () => {
        const next = serving === 'one' ? 'two' : 'one';
        await started.interrupt();
        await start(point);
        const load = startLoad(url, 50, ground.hosts);
        const asked = await deploy(next, strategy);
        await started.gone();
        const between = await fetch(url).then((answer) => answer.text());
        await start();

        const end = await ended(asked);
        await until(async () => (await running(client)).length === 2);
        const { requests, failed, errors } = await load.stop();

        assert.equal(end.status, 'healthy', JSON.stringify(end.error));
        assert.ok(versions.includes(between.trim() as typeof serving), 'something served while Eve was gone');
        assert.deepEqual({ failed, errors }, { failed: 0, errors: [] }, `of ${requests} requests`);
        // One revision serves: every answer is of it, and nothing of the other runs any more.
        const answers = await Promise.all(Array.from({ length: 20 }, () => fetch(url).then((answer) => answer.text())));
        assert.deepEqual([...new Set(answers.map((text) => text.trim()))], [next]);
        const status = await client.environmentStatus(project, environment);
        assert.equal(status.status, 'ready');
        assert.equal(end.release_commands.length, 1);
        assert.equal(end.release_commands[0]?.exit_code, 0);
        const finals = (await allEvents(client)).filter(
          ({ subject_id: id, to }) => id === asked.id && ['healthy', 'failed', 'cancelled', 'superseded'].includes(to),
        );
        assert.equal(finals.length, 1);
        serving = next;
      });
    }

    /** Instances of the environment on the engine, whatever Eve says. */
    async function running(api: EveClient): Promise<readonly string[]> {
      const { environment: place } = await api.environmentStatus(project, environment);
      return ground.running(eve, place.id);
    }
  });
}

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { DeployPlan, RevisionEntry, RollbackAnswer } from '@eve/protocol-rest/contract';
import { runEve } from '../../../testing/run-eve.ts';
import { environment, hash, pageOf, release, revision, sha } from '../../../testing/samples.ts';
import { scriptedServer } from '../../../testing/server.ts';

const of = ['--project', 'shop'];
const strategy = { type: 'blue-green', keep_warm: '0s' } as const;
const services = [
  {
    service: 'web',
    kind: 'replace',
    reason: 'its image changed',
    instances: 2,
    image: { from: `sha256:${'a'.repeat(64)}`, to: `sha256:${'b'.repeat(64)}` },
    replicas: { from: 1, to: 2 },
    configuration: { added: ['NEW'], changed: ['LEVEL'], removed: ['OLD'] },
  },
] satisfies DeployPlan['services'];
const planned = { strategy, approval: false, release_commands: [], warnings: [], refusals: [] };
const answer: RollbackAnswer = {
  environment,
  deploy: null,
  revision: null,
  target: revision,
  release,
  target_status: 'healthy',
  plan: services,
  ...planned,
};

describe('eve env rollback', () => {
  it('shows what would change per service, warnings and what would refuse it', async () => {
    const warnings = ['Crosses the release command of web in test#4 (migrate): what it changed stays as it is.'];
    const refusals = [{ code: 'release_blocked', message: 'Release v1.0.0 was blocked.' }];
    await using server = await scriptedServer({
      'POST /projects/:id/environments/:env/rollback': { ...answer, warnings, refusals },
    });

    const args = ['env', 'rollback', 'test', '--to', 'test#3', '--config-only', '--dry-run', '--strategy', 'rolling'];
    const { code, stdout } = await runEve([...args, ...of], server);

    // As it would end without --dry-run.
    assert.equal(code, 4);
    assert.deepEqual(server.asked[0]?.body, { to: 'test#3', config_only: true, strategy: 'rolling', dry_run: true });
    assert.equal(
      stdout,
      `Rollback of test to test#3 (release v1.0.0)
  web  replace: its image changed
       image aaaaaaaaaaaa → bbbbbbbbbbbb
       replicas 1 → 2
       configuration +NEW ~LEVEL -OLD
  Strategy: blue-green
  Warning: Crosses the release command of web in test#4 (migrate): what it changed stays as it is.
  Refused as things stand (release_blocked): Release v1.0.0 was blocked.
`,
    );
  });

  it('does not take halves or targets that exclude each other', async () => {
    const nowhere = { url: 'http://127.0.0.1:1' };
    for (const args of [
      ['--code-only', '--config-only'],
      ['--previous', '--to', '3'],
    ]) {
      const { code } = await runEve(['env', 'rollback', 'test', ...args, ...of], nowhere);
      assert.equal(code, 2);
    }
  });
});

describe('eve env deploy --dry-run', () => {
  it('shows what a deploy would do', async () => {
    const plan: DeployPlan = {
      dry_run: true,
      env_name: 'test',
      environment_is_new: false,
      from: { revision, release },
      release: { ...release, tag: null },
      release_is_new: true,
      pipeline: null,
      services,
      ...planned,
      strategy: {
        type: 'canary',
        steps: [
          { weight: 10, pause: '5m' },
          { weight: 50, pause: null },
        ],
        keep_warm: '10m',
      },
      approval: true,
      release_commands: [{ service: 'web', command: ['npm', 'run', 'migrate'] }],
    };
    await using server = await scriptedServer({
      'GET /projects/:id/manifest': { git_sha: sha, manifest_hash: hash },
      'POST /projects/:id/environments/:env/deploy': plan,
    });

    const { code, stdout } = await runEve(['env', 'deploy', 'test', '--ref', sha, '--dry-run', ...of], server);

    assert.equal(code, 0);
    assert.match(stdout, /^Deploy to test: a new release of a1b2c3d4; test#3 \(v1\.0\.0 of a1b2c3d4\) serves now\n/);
    assert.match(stdout, / {2}Release command of web, before anything starts: npm run migrate\n/);
    assert.match(stdout, / {2}Strategy: canary:10@5m,50, what served before is kept warm for 10m\n/);
    assert.match(stdout, / {2}Waits for an approval before it begins\n$/);
  });
});

describe('eve env history', () => {
  it('says which revision can be restored, and why another cannot', async () => {
    const entry: RevisionEntry = {
      revision,
      release,
      current: false,
      deploy_id: null,
      deploy_status: 'failed',
      cause: 'direct',
      config_number: 2,
      restorable: false,
      restorable_code: 'never_healthy',
      not_restorable: 'it never became healthy',
    };
    await using server = await scriptedServer({
      'GET /projects/:id/environments/:env/history': pageOf(entry, { ...entry, current: true, not_restorable: null }),
    });

    const { stdout } = await runEve(['env', 'history', 'test', ...of], server);

    assert.match(
      stdout,
      /test#3 +v1\.0\.0 +a1b2c3d4 +2 +direct +failed +no .*\n {2}Not restorable: it never became healthy\n/,
    );
    assert.match(stdout, /test#3 +current +v1\.0\.0 .* - /);
  });
});

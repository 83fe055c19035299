import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { PlatformError } from '@eve/domain';
import { authorization as headers, idOf, scriptedApi } from '../testing/scripted.ts';
import * as contract from './contract/index.ts';

const deployId = idOf('dep');

/** What an operation was asked last; it answers with a refusal, which is not what these tests are about. */
function asking() {
  const asked: unknown[] = [];
  const ask = async (...args: readonly unknown[]): Promise<never> => {
    asked.push(...args.slice(2));
    throw new PlatformError('environment_locked', 'Environment test was locked.');
  };
  return { asked, ask };
}

describe('routes of deploys', () => {
  it('hand every field of a request on, under both names of environments, and ask for a plan where it is a dry run', async () => {
    const request = asking();
    const plan = asking();
    const { app } = await scriptedApi({ requestDeploy: request.ask, planDeploy: plan.ask });
    const payload = {
      git_sha: 'a'.repeat(40),
      manifest_hash: 'b'.repeat(64),
      image_digests: { web: `sha256:${'c'.repeat(64)}` },
      image_tag: 'local',
      direct: true,
      inputs: { release_tag: 'v1' },
      strategy: { type: 'canary', steps: [10] },
      skip_preflight: true,
    };

    for (const name of ['envs', 'environments']) {
      for (const dry_run of [false, true]) {
        const url = `/projects/shop/${name}/test/deploy`;
        const response = await app.inject({ method: 'POST', url, headers, payload: { ...payload, dry_run } });
        assert.equal(response.statusCode, 409);
        assert.equal(contract.Problem.parse(response.json()).code, 'environment_locked');
      }
    }

    const wanted = {
      projectId: idOf('proj'),
      envName: 'test',
      gitSha: payload.git_sha,
      manifestHash: payload.manifest_hash,
      imageDigests: payload.image_digests,
      imageTag: 'local',
      direct: true,
      inputs: payload.inputs,
      strategy: payload.strategy,
    };
    assert.deepEqual(request.asked, [wanted, wanted]);
    assert.deepEqual(plan.asked, [wanted, wanted]);
  });

  it('take a rollback’s target and half in every form', async () => {
    const { asked, ask } = asking();
    const { app } = await scriptedApi({ rollbackEnvironment: ask });
    const bodies = [
      {},
      { to: 12 },
      { to: 'test#12', code_only: true },
      { release: 'v1', config_only: true },
      { previous: true, dry_run: true, strategy: 'rolling' },
    ];

    for (const payload of bodies)
      await app.inject({ method: 'POST', url: '/projects/shop/environments/test/rollback', headers, payload });
    const both = { code_only: true, config_only: true };
    const url = '/projects/shop/environments/test/rollback';
    const refused = await app.inject({ method: 'POST', url, headers, payload: both });

    const at = { projectId: idOf('proj'), envName: 'test' };
    assert.deepEqual(asked, [
      at,
      { ...at, to: '12' },
      { ...at, to: 'test#12', part: 'code' },
      { ...at, to: 'v1', part: 'configuration' },
      { ...at, to: 'previous', strategy: 'rolling', dryRun: true },
    ]);
    assert.equal(refused.statusCode, 400);
    assert.equal(contract.Problem.parse(refused.json()).errors[0]?.path, 'config_only');
  });

  it('hand reasons and promotions on, and refuse what is no id, no reason or no filter', async () => {
    const { asked, ask } = asking();
    const { app } = await scriptedApi({
      cancelDeploy: ask,
      rejectDeploy: ask,
      approveDeploy: ask,
      promoteDeploy: ask,
      pauseDeploy: ask,
      listProjectDeploys: ask,
    });
    const post = (path: string, payload: object = {}) =>
      app.inject({ method: 'POST', url: `/deploys/${deployId}/${path}`, headers, payload });

    await post('cancel', { reason: 'errors' });
    await post('reject');
    await post('approve');
    await post('promote', { full: true });
    await post('promote');
    await post('pause');
    const list =
      '/projects/shop/deploys?environment=test&status=failed&cause=repair&created_by=token:x&release=v1&since=2026-01-01';
    await app.inject({ url: list, headers });

    assert.deepEqual(asked, [
      ...[deployId, 'errors'],
      ...[deployId, undefined],
      ...[deployId],
      ...[deployId, { full: true }],
      ...[deployId, { full: false }],
      ...[deployId],
      idOf('proj'),
      {
        limit: 20,
        envName: 'test',
        status: 'failed',
        cause: 'repair',
        createdBy: 'token:x',
        release: 'v1',
        since: new Date('2026-01-01T00:00:00Z'),
      },
    ]);
    const wrong = [
      await post('cancel', { reason: 'x'.repeat(501) }),
      await post('reject', { reason: '\u001b[2J' }),
      await post('promote', { fully: true }),
      await app.inject({ url: '/deploys/dep_1', headers }),
      await app.inject({ url: '/projects/shop/deploys?status=done', headers }),
      await app.inject({ url: '/projects/shop/deploys?since=tuesday', headers }),
    ];
    assert.deepEqual(
      wrong.map(({ statusCode }) => statusCode),
      [400, 400, 400, 400, 400, 400],
    );
  });
});

import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { repositoryWith } from '../../../testing/repository.ts';
import { runEve, scratch } from '../../../testing/run-eve.ts';
import {
  completedRun,
  deploy,
  environment,
  hash,
  healthyDeploy,
  logEntry,
  pipelineRun,
  release,
  revision,
  sha,
  status,
  succeededPipelineRun,
  synced,
} from '../../../testing/samples.ts';
import { eventStream, problem, scriptedServer } from '../../../testing/server.ts';

const started = { environment, pipeline_run: pipelineRun, poll_url: '/' };
const direct = { environment, release, revision, deploy, poll_url: '/' };
const manifest = { git_sha: sha, manifest_hash: hash };

/** A pipeline run that runs when it is first asked for, and has ended the second time. */
function running(end: object = succeededPipelineRun) {
  let asked = 0;
  return {
    'GET /pipeline-runs/:id': () => (asked++ === 0 ? pipelineRun : end),
    'GET /builds/:id/logs': (_request: unknown, reply: Parameters<typeof eventStream>[0]) =>
      eventStream(reply, ['log', logEntry(1, 'RUN npm ci')], ['end', { state: 'completed', error: null }]),
    'GET /deploys/:id/logs': (_request: unknown, reply: Parameters<typeof eventStream>[0]) =>
      eventStream(reply, ['log', logEntry(1, 'Traffic moved')], ['end', { state: 'healthy', error: null }]),
    'GET /builds/:id/runs/:run': completedRun,
    'GET /projects/:id/environments/:env/status': status,
  };
}

describe('eve env deploy', () => {
  it('uploads the commit of a working copy, deploys it and follows it to its addresses', async () => {
    await using place = await scratch();
    const yaml = 'name: shop\nservices: {}\n';
    const head = await repositoryWith(place.path, { '.eve/manifest.yaml': yaml });
    await writeFile(join(place.path, 'forgotten.txt'), 'x');
    await using server = await scriptedServer({
      'POST /projects/:id/manifest': synced,
      'PUT /projects/:id/sources/:sha': { sha: head, size_bytes: 1234 },
      'POST /projects/:id/environments/:env/deploy': started,
      ...running(),
    });

    const args = ['env', 'deploy', 'test', '--ref', 'main', '--repo-dir', place.path];
    const { code, stdout, stderr } = await runEve(args, server);

    assert.equal(code, 0, stderr);
    const [sync, upload, request] = server.asked;
    assert.deepEqual(sync?.body, { yaml, git_sha: head, branch: 'main', validate_secrets: true, strict: false });
    assert.equal(upload?.url, `/projects/shop/sources/${head}`);
    assert.equal((upload?.body as Buffer | undefined)?.subarray(0, 4).toString(), 'PACK');
    assert.deepEqual(request?.body, { git_sha: head, manifest_hash: hash });
    assert.match(stderr, /uncommitted changes are not part of the deploy \(1 file\):\n {2}forgotten\.txt\n/);
    assert.match(
      stderr,
      /build: running\n[\s\S]* {2}\[03:04:05\] \[web\] RUN npm ci\n[\s\S]*build: succeeded \(12\.0 s\)\n/,
    );
    assert.match(stderr, /Traffic moved/);
    assert.match(
      stdout,
      /^Pipeline deploy to test succeeded after 12\.0 s\.\nServing: test#3, release v1\.0\.0 of a1b2c3d4\n/,
    );
    assert.match(stdout, / {2}web {2}http:\/\/web--test--shop\.localhost:8080\n {7}http:\/\/127\.0\.0\.1:41001\n$/);
  });

  it('deploys a release of the inputs without asking for a manifest', async () => {
    await using server = await scriptedServer({ 'POST /projects/:id/environments/:env/deploy': started });

    const inputs = '{"release_tag": "v1.0.0"}';
    const args = ['env', 'deploy', 'staging', '--project', 'shop', '--inputs', inputs, '--watch', 'false'];
    const { code, stdout } = await runEve(args, server);

    assert.equal(code, 0);
    assert.deepEqual(
      server.asked.map(({ body }) => body),
      [{ inputs: { release_tag: 'v1.0.0' } }],
    );
    assert.match(
      stdout,
      /^Pipeline deployment started\.\n {2}Pipeline Run: +prun_\w+\n {2}Pipeline: +deploy\n {2}Status: +running\n {2}Environment: +test\n$/,
    );
  });

  it('follows a direct deploy and ends with its state', async () => {
    await using server = await scriptedServer({
      'GET /projects/:id/manifest': manifest,
      'POST /projects/:id/environments/:env/deploy': direct,
      ...running(),
      'GET /deploys/:id': healthyDeploy,
    });

    const args = ['env', 'deploy', 'test', '--project', 'shop', '--ref', sha, '--direct', '--image-tag', 'sha-abc123'];
    const { code, stdout, stderr } = await runEve(args, server);

    assert.equal(code, 0, stderr);
    const request = server.asked.find(({ method }) => method === 'POST');
    assert.deepEqual(request?.body, { git_sha: sha, manifest_hash: hash, image_tag: 'sha-abc123', direct: true });
    assert.match(stderr, /^Deployment submitted\.\n/);
    assert.match(stdout, /^Deploy to test is healthy after 12\.0 s\.\n/);
  });

  it('takes the manifest of a commit that is not the one synced last', async () => {
    const older = 'c'.repeat(40);
    await using server = await scriptedServer({
      'GET /projects/:id/manifest': ({ query }) =>
        (query as { git_sha?: string }).git_sha === older ? { git_sha: older, manifest_hash: hash } : manifest,
      'POST /projects/:id/environments/:env/deploy': direct,
    });

    const args = ['env', 'deploy', 'test', '--project', 'shop', '--ref', older, '--direct', '--watch', 'false'];
    const { code, stderr } = await runEve(args, server);

    assert.equal(code, 0, stderr);
    const request = server.asked.find(({ method }) => method === 'POST');
    assert.deepEqual(request?.body, { git_sha: older, manifest_hash: hash, direct: true });
  });

  it('fails with the reason and where to look when a step fails', async () => {
    const failed = {
      run: { ...succeededPipelineRun.run, status: 'failed' },
      steps: succeededPipelineRun.steps.map((step, index) => ({
        ...step,
        ...(index === 0 ? { status: 'failed', error_message: 'npm ci failed' } : { status: 'cancelled' }),
      })),
    };
    await using server = await scriptedServer({
      'GET /projects/:id/manifest': manifest,
      'POST /projects/:id/environments/:env/deploy': started,
      ...running(failed),
    });

    const { code, stdout } = await runEve(['env', 'deploy', 'test', '--project', 'shop', '--ref', sha], server);

    assert.equal(code, 1);
    assert.match(
      stdout,
      /^Pipeline deploy to test failed after 12\.0 s at step build: npm ci failed\n {2}More: eve build diagnose bld_\w+\n$/,
    );
  });

  it('exits 5 when the deploy waits for an approval', async () => {
    const waiting = { ...pipelineRun, run: { ...pipelineRun.run, status: 'awaiting_approval' } };
    await using server = await scriptedServer({
      'GET /projects/:id/manifest': manifest,
      'POST /projects/:id/environments/:env/deploy': started,
      ...running(waiting),
    });

    const { code } = await runEve(['env', 'deploy', 'test', '--project', 'shop', '--ref', sha], server);

    assert.equal(code, 5);
  });

  it('exits 5 and names the commands when the deploy of a pipeline waits for an approval', async () => {
    const steps = succeededPipelineRun.steps.map((step) => ({
      ...step,
      ...(step.subject_id === deploy.id && { status: 'running', completed_at: null }),
    }));
    await using server = await scriptedServer({
      'GET /projects/:id/manifest': manifest,
      'POST /projects/:id/environments/:env/deploy': started,
      ...running({ run: pipelineRun.run, steps }),
      'GET /deploys/:id': { ...deploy, status: 'awaiting_approval', env_name: 'test', revision_number: 3, release },
    });

    const { code, stdout } = await runEve(['env', 'deploy', 'test', '--project', 'shop', '--ref', sha], server);

    assert.equal(code, 5);
    assert.match(stdout, /^Deploy dep_\w+ to test waits for an approval\.\n {2}Approve it: eve deploy approve dep_/);
  });

  it('stops following after --timeout and says how to come back', async () => {
    await using server = await scriptedServer({
      'GET /projects/:id/manifest': manifest,
      'POST /projects/:id/environments/:env/deploy': started,
      ...running(pipelineRun),
    });

    const args = ['env', 'deploy', 'test', '--project', 'shop', '--ref', sha, '--timeout', '1'];
    const { code, stderr } = await runEve(args, server);

    assert.equal(code, 75);
    assert.match(
      stderr,
      /Not finished after 1 s: pipeline run prun_\w+ goes on\.\n {2}Follow it: eve pipeline show-run prun_/,
    );
  });

  it('names the way when nothing was synced for the commit', async () => {
    await using server = await scriptedServer({ 'GET /projects/:id/manifest': null });

    const { code, stderr } = await runEve(['env', 'deploy', 'test', '--project', 'shop', '--ref', sha], server);

    assert.equal(code, 1);
    assert.match(stderr, /No manifest of this project was synced yet\.\n.*--repo-dir/);
  });

  it('lists the mistakes of a manifest with line and column', async () => {
    await using place = await scratch();
    await repositoryWith(place.path, { '.eve/manifest.yaml': 'services: 1\n' });
    await using server = await scriptedServer({
      'POST /projects/:id/manifest': (_request, reply) =>
        problem(reply, 400, 'manifest_invalid', 'The manifest is invalid.', [
          { path: 'services', message: 'must be a map', line: 1, column: 11 },
        ]),
    });

    const { code, stderr } = await runEve(
      ['env', 'deploy', 'test', '--project', 'shop', '--repo-dir', place.path],
      server,
    );

    assert.equal(code, 1);
    assert.match(
      stderr,
      /HTTP 400: while calling POST \/projects\/shop\/manifest: The manifest is invalid\.\n {2}1:11 services: must be a map\n/,
    );
  });

  it('does not take inputs that are no JSON object', async () => {
    const { code, stderr } = await runEve(['env', 'deploy', 'test', '--inputs', '{release'], {
      url: 'http://127.0.0.1:1',
    });

    assert.equal(code, 2);
    assert.match(stderr, /^--inputs is no valid JSON/);
  });
});

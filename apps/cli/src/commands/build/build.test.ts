import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { runEve } from '../../../testing/run-eve.ts';
import {
  artifact,
  completedRun,
  failedRun,
  hash,
  logEntry,
  pageOf,
  project,
  run,
  sha,
  spec,
} from '../../../testing/samples.ts';
import { eventStream, problem, scriptedServer } from '../../../testing/server.ts';

describe('eve build', () => {
  it('creates a build as the reference prints it', async () => {
    await using server = await scriptedServer({ 'POST /projects/:id/builds': spec });

    const args = [
      'build',
      'create',
      '--project',
      'shop',
      '--ref',
      sha,
      '--manifest-hash',
      hash,
      '--services',
      'api,web',
    ];
    const { code, stdout } = await runEve(args, server);

    assert.equal(code, 0);
    assert.match(
      stdout,
      new RegExp(
        `^Build created: ${spec.id}\n {2}Project: +${project.id}\n {2}SHA: +${sha}\n {2}Manifest: +bbbbbbbbbbbb\\.\\.\\.\n`,
      ),
    );
    assert.deepEqual(server.asked[0], {
      method: 'POST',
      url: '/projects/shop/builds',
      body: { git_sha: sha, manifest_hash: hash, services: ['api', 'web'] },
      token: 'eve_test',
    });
  });

  it('resolves a branch with the server before it creates a build', async () => {
    await using server = await scriptedServer({
      'GET /projects/:id/refs': { ref: 'main', git_sha: sha },
      'GET /projects/:id/manifest': { git_sha: sha, manifest_hash: hash },
      'POST /projects/:id/builds': spec,
    });

    const { code, stderr } = await runEve(['build', 'create', '--project', 'shop', '--ref', 'main'], server);

    assert.equal(code, 0, stderr);
    assert.match(stderr, /Resolved ref 'main' → a1b2c3d4\.\.\./);
    assert.deepEqual(server.asked.at(-1)?.body, { git_sha: sha, manifest_hash: hash });
  });

  it('takes each build argument as it is given, with its commas', async () => {
    await using server = await scriptedServer({ 'POST /projects/:id/builds': spec });
    const create = (...more: string[]) =>
      runEve(['build', 'create', '--project', 'shop', '--ref', sha, '--manifest-hash', hash, ...more], server);

    const wrong = await create('--build-arg', 'DEBUG');
    const { code } = await create('--build-arg', 'FLAGS=-a,-b=1', '--build-arg', 'EMPTY=');

    assert.deepEqual([wrong.code, code], [2, 0]);
    assert.deepEqual((server.asked[0]?.body as { inputs?: object } | undefined)?.inputs, {
      build_args: { FLAGS: '-a,-b=1', EMPTY: '' },
    });
  });

  it('prints the body of a list unchanged with --json', async () => {
    const page = pageOf(spec);
    await using server = await scriptedServer({ 'GET /projects/:id/builds': page });

    const { stdout } = await runEve(['build', 'list', '--project', 'shop', '--json'], server);

    assert.equal(stdout, `${JSON.stringify(page)}\n`);
  });

  it('lists builds with the status of their newest run', async () => {
    const listed = [
      { ...spec, last_status: 'failed' },
      { ...spec, last_status: null },
    ];
    await using server = await scriptedServer({ 'GET /projects/:id/builds': pageOf(...listed) });

    const { stdout } = await runEve(['build', 'list', '--project', 'shop'], server);

    assert.match(stdout, /^Build ID +No +Status +SHA .*\n\S+ +#7 +failed .*\n\S+ +#7 +- /);
  });

  it('lists runs with the failure and the hint under a failed one', async () => {
    await using server = await scriptedServer({ 'GET /builds/:id/runs': pageOf(failedRun, completedRun) });

    const { stdout } = await runEve(['build', 'runs', spec.id], server);

    assert.match(stdout, /^Run ID .*Status .*Backend .*Started/);
    assert.match(stdout, / {2}Error: docker buildx failed with exit code 1 at \[deps 2\/3\] RUN npm ci\n/);
    assert.match(stdout, / {2}Error Type: Build Error \(build_error\)\n {2}Hint: Read the failing step\.\n/);
    assert.match(stdout, /Total: 2 runs/);
  });

  it('lists artifacts with their digests', async () => {
    await using server = await scriptedServer({ 'GET /builds/:id/artifacts': pageOf(artifact) });

    const { stdout } = await runEve(['build', 'artifacts', spec.id], server);

    assert.match(stdout, /web .*127\.0\.0\.1:5000\/local\/shop\/web .*41\.2 MB/);
    assert.match(stdout, new RegExp(` {2}Digest: ${artifact.digest}`));
  });

  it('prints each log line after its time, and type and hint after an error', async () => {
    const error = { level: 'error', error_code: 'build_error', stream: 'platform' } as const;
    const logs = [
      logEntry(1, 'Cloning …', { service: null }),
      logEntry(2, 'Error: it broke', error),
      logEntry(3, 'Hint: mend it', error),
    ];
    await using server = await scriptedServer({ 'GET /builds/:id/logs': { logs } });

    const { stdout } = await runEve(['build', 'logs', spec.id], server);

    assert.equal(
      stdout,
      '[03:04:05] Cloning …\n[03:04:05] [web] Error: it broke\n  Type: Build Error\n  Hint: mend it\n',
    );
  });

  it('reads a log of many pages to its end, of one attempt if asked', async () => {
    const asked: unknown[] = [];
    await using server = await scriptedServer({
      'GET /builds/:id/logs': (request: { query: unknown }) => {
        const { after } = request.query as { after: string };
        asked.push({ ...(request.query as object) });
        return { logs: Number(after) < 3 ? [logEntry(Number(after) + 1, `line ${after}`)] : [] };
      },
    });

    const { stdout } = await runEve(['build', 'logs', spec.id, '--attempt', '2'], server);

    assert.equal(stdout.split('\n').length - 1, 3);
    assert.deepEqual(asked[3], { attempt: '2', after: '3', limit: '1000' });
  });

  it('says when there are no logs', async () => {
    await using server = await scriptedServer({ 'GET /builds/:id/logs': { logs: [] } });

    assert.equal((await runEve(['build', 'logs', spec.id], server)).stdout, 'No logs available.\n');
  });

  it('follows a log: place in the line first, then lines, then the outcome as exit code', async () => {
    await using server = await scriptedServer({
      'GET /builds/:id/runs': pageOf(run),
      'GET /builds/:id/runs/:run': failedRun,
      'GET /builds/:id/logs': (_request, reply) =>
        eventStream(
          reply,
          ['log', logEntry(1, 'one')],
          ['log', logEntry(2, 'Error: it broke', { level: 'error', error_code: 'build_error' })],
          ['end', { state: 'failed', error: { code: 'build_error', message: 'it broke', hint: 'Mend it.' } }],
        ),
    });

    const { code, stdout, stderr } = await runEve(['build', 'logs', spec.id, '--follow'], server);

    assert.equal(code, 1);
    assert.match(stderr, /^Run brun_\w+: pending \(position 2: the builder is full\)\n/);
    assert.match(stderr, /Build run brun_\w+ failed after 12\.0 s\.\n$/);
    assert.equal(
      stdout,
      '[03:04:05] [web] one\n[03:04:05] [web] Error: it broke\n  Type: Build Error\n  Hint: Mend it.\n',
    );
  });

  it('goes on after the last line when the connection is lost', async () => {
    let connections = 0;
    await using server = await scriptedServer({
      'GET /builds/:id/runs/:run': completedRun,
      'GET /builds/:id/logs': (request, reply) => {
        if (connections++ === 0) return eventStream(reply, ['log', logEntry(1, 'one')]);
        assert.equal(request.headers['last-event-id'], '1');
        return eventStream(reply, ['log', logEntry(2, 'two')], ['end', { state: 'completed', error: null }]);
      },
    });

    const { code, stdout } = await runEve(['build', 'logs', spec.id, '--run', run.id, '-f'], server);

    assert.equal(code, 0);
    assert.equal(stdout, '[03:04:05] [web] one\n[03:04:05] [web] two\n');
  });

  it('detaches at Ctrl-C and says how to come back and how to cancel', async () => {
    await using server = await scriptedServer({
      'GET /builds/:id/runs': pageOf(run),
      'GET /builds/:id/logs': async (_request, reply) => {
        reply.hijack();
        reply.raw.writeHead(200, { 'content-type': 'text/event-stream' });
        reply.raw.write(`event: log\ndata: ${JSON.stringify(logEntry(1, 'one'))}\n\n`);
      },
    });

    const { code, stderr } = await runEve(['build', 'logs', spec.id, '--follow'], { ...server, interruptAt: 'one' });

    assert.equal(code, 130);
    assert.match(stderr, /Detached: build run brun_\w+ goes on\./);
    assert.match(stderr, new RegExp(`eve build logs ${spec.id} --run ${run.id} --follow`));
    assert.match(stderr, new RegExp(`eve build cancel ${spec.id}`));
  });

  it('runs a build anew with --force by a build that is never reused', async () => {
    const forced = { ...spec, inputs: { force_rebuild: true } };
    await using server = await scriptedServer({
      'GET /builds/:id': spec,
      'POST /projects/:id/builds': forced,
      'POST /builds/:id/runs': { ...run, waiting: null },
    });

    const { code, stdout } = await runEve(['build', 'run', spec.id, '--force'], server);

    assert.equal(code, 0);
    assert.match(
      stdout,
      new RegExp(`^Build run started: ${run.id}\n {2}Build: +${spec.id}\n {2}Status: +pending\n {2}Backend: +buildx\n`),
    );
    assert.deepEqual((server.asked[1]?.body as { inputs: object } | undefined)?.inputs, { force_rebuild: true });
  });

  it('says that the server cannot cancel a build that has ended, with the code of a conflict', async () => {
    await using server = await scriptedServer({
      'POST /builds/:id/cancel': (_request, reply) => problem(reply, 409, 'build_finished', 'The run is completed.'),
    });

    const { code, stderr } = await runEve(['build', 'cancel', spec.id], server);

    assert.equal(code, 4);
    assert.match(stderr, new RegExp(`HTTP 409: while calling POST /builds/${spec.id}/cancel: The run is completed\\.`));
  });
});

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { runEve } from '../../../testing/run-eve.ts';
import { eventStream, problem, scriptedServer } from '../../../testing/server.ts';

const of = ['--project', 'shop'];
const route = 'GET /projects/:id/environments/:env/logs';

function lineOf(line: string, more: object = {}) {
  return {
    timestamp: '2026-01-02T03:04:05.678Z',
    service: 'web',
    instance: 'web-7k2m9xq4wz-1',
    revision: 3,
    stream: 'stdout',
    line,
    ...more,
  };
}

describe('eve env logs', () => {
  it('shows time, instance and stream of each line, and nothing that a terminal would obey', async () => {
    const logs = [lineOf('one \u001b[2Jtwo'), lineOf('three', { service: 'db', instance: 'db-1', stream: 'stderr' })];
    await using server = await scriptedServer({ [route]: { logs, is_cut: false } });

    const { code, stdout, stderr } = await runEve(['env', 'logs', 'test', ...of], server);

    assert.equal(stdout, '[03:04:05] web-7k2m9xq4wz-1 | one two\n[03:04:05] db-1             ! three\n');
    assert.deepEqual([code, stderr], [0, '']);
  });

  it('asks for what was named, and says that there is more', async () => {
    await using server = await scriptedServer({ [route]: { logs: [lineOf('one')], is_cut: true } });

    const { stderr } = await runEve(
      ['env', 'logs', 'test', 'web', '--since', '10m', '--grep', 'a b', '--revision', '3', '--previous', ...of],
      server,
    );

    assert.match(server.asked[0]?.url ?? '', /logs\?service=web&since=10m&grep=a\+b&revision=3&previous=true$/);
    assert.match(stderr, /Older lines match too; --tail shows more\./);
  });

  it('says when there is nothing, and names the services where there is none of that name', async () => {
    await using empty = await scriptedServer({ [route]: { logs: [], is_cut: false } });
    await using unknown = await scriptedServer({
      [route]: (_request, reply) => problem(reply, 404, 'service_not_found', 'There is no service "wbe"; it has: web.'),
    });

    assert.equal((await runEve(['env', 'logs', 'test', ...of], empty)).stdout, 'No logs available.\n');
    assert.match((await runEve(['env', 'logs', 'test', 'wbe', ...of], unknown)).stderr, /it has: web\./);
  });

  it('follows: lines to stdout, what happens around them to stderr', async () => {
    const change = { service: 'web', instance: 'web-7k2m9xq4wz-1', revision: 3 };
    await using server = await scriptedServer({
      [route]: (_request, reply) =>
        eventStream(
          reply,
          ['pod_changed', { ...change, state: 'followed' }],
          ['log', lineOf('one')],
          ['heartbeat', {}],
          ['pod_changed', { ...change, state: 'gone' }],
          ['end', { reason: 'The environment was deleted.' }],
        ),
    });

    const { code, stdout, stderr } = await runEve(['env', 'logs', 'test', '--follow', '--tail', '5', ...of], server);

    assert.match(server.asked[0]?.url ?? '', /logs\?tail=5&follow=true$/);
    assert.equal(stdout, '[03:04:05] web-7k2m9xq4wz-1 | one\n');
    assert.match(
      stderr,
      /web-7k2m9xq4wz-1 \(revision 3\) is followed\.\n.* is gone\.\nThe environment was deleted\.\n/,
    );
    assert.equal(code, 0);
  });

  it('ends with Ctrl-C as one who has seen enough', async () => {
    await using server = await scriptedServer({
      [route]: (_request, reply) => {
        reply.hijack();
        reply.raw.writeHead(200, { 'content-type': 'text/event-stream' });
        reply.raw.write(`event: log\ndata: ${JSON.stringify(lineOf('one'))}\n\n`);
      },
    });

    const { code, stderr } = await runEve(['env', 'logs', 'test', '-f', ...of], { ...server, interruptAt: 'one' });

    assert.deepEqual([code, stderr], [0, '']);
  });

  it('does not follow what is gone', async () => {
    await using server = await scriptedServer({});

    const { code, stderr } = await runEve(['env', 'logs', 'test', '--follow', '--previous', ...of], server);

    assert.equal(code, 2);
    assert.match(stderr, /leave out --follow or --previous/);
  });
});

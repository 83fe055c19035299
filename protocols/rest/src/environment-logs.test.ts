import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { PlatformError } from '@eve/domain';
import type { LogNews, LogQuestion, ServiceLine } from '@eve/operations';
import { authorization, project, scriptedApi } from '../testing/scripted.ts';
import { eveClient, type ServiceLogEvent } from './client.ts';
import type { Operations } from './operations.ts';

const at = (ms: number) => new Date(Date.UTC(2026, 0, 2, 3, 4, 5) + ms);

function lineOf(text: string, ms = 0): ServiceLine {
  return { at: at(ms), service: 'web', instance: 'web-1', revision: 3, stream: 'stdout', text };
}

/** An API whose environment printed these lines, and goes on with what is told to whoever follows. */
async function logApi(lines: readonly ServiceLine[], follow: Operations['followEnvironmentLogs'] = goneAtOnce) {
  const asked: LogQuestion[] = [];
  const { app } = await scriptedApi({
    getProject: async () => project,
    environmentLogs: async (_platform, _caller, question) => {
      asked.push(question);
      return { lines, isCut: false };
    },
    followEnvironmentLogs: async (platform, caller, question, signal) => {
      asked.push(question);
      return follow(platform, caller, question, signal);
    },
  });
  const get = (path: string, headers: Record<string, string> = {}) =>
    app.inject({ url: `/projects/shop/environments/test/${path}`, headers: { ...authorization, ...headers } });
  return { app, asked, get, [Symbol.asyncDispose]: () => app.close() };
}

const goneAtOnce = async () => newsOf();

async function* newsOf(...news: LogNews[]): AsyncGenerator<LogNews, void, undefined> {
  yield* news;
}

describe('the logs of an environment', () => {
  it('are JSON by default, of one service or all, with every limit that was asked for', async () => {
    await using api = await logApi([lineOf('one')]);

    const all = await api.get('logs?service=web&since=2026-01-01&tail=5&grep=o%20e&revision=3&previous=true');
    await api.get('services/jobs/logs?pod=jobs-1');

    assert.deepEqual(all.json(), {
      logs: [
        {
          timestamp: '2026-01-02T03:04:05.000Z',
          service: 'web',
          instance: 'web-1',
          revision: 3,
          stream: 'stdout',
          line: 'one',
        },
      ],
      is_cut: false,
    });
    const { projectId, envName, ...asked } = api.asked[0] ?? {};
    assert.deepEqual([projectId, envName], [project.id, 'test']);
    assert.deepEqual(asked, {
      ...{ service: 'web', since: new Date('2026-01-01'), tail: 5, grep: 'o e', revision: 3, previous: true },
    });
    assert.deepEqual([api.asked[1]?.service, api.asked[1]?.instance], ['jobs', 'jobs-1']);
  });

  it('are text, or a line of JSON per line, for who asks so', async () => {
    await using api = await logApi([lineOf('one \u001b[2Jtwo')]);

    const text = await api.get('logs', { accept: 'text/plain' });
    const lines = await api.get('logs', { accept: 'application/x-ndjson' });

    assert.equal(text.body.replaceAll('\u001b', '<esc>'), '[03:04:05] web-1 | one two\n');
    assert.equal(JSON.parse(lines.body).line, 'one \u001b[2Jtwo');
  });

  it('are events for who follows: lines, instances that come and go, and the end', async () => {
    const change = { type: 'instance', state: 'followed', service: 'web', instance: 'web-1', revision: 3 } as const;
    await using api = await logApi([], async () =>
      newsOf(change, { type: 'lines', lines: [lineOf('one'), lineOf('two')] }, { ...change, state: 'gone' }),
    );

    for (const path of ['logs?follow=true', 'services/web/logs/stream']) {
      const { body, headers } = await api.get(path);

      assert.match(String(headers['content-type']), /^text\/event-stream/);
      const events = body.match(/^event: .*$/gm);
      assert.deepEqual(
        events,
        ['pod_changed', 'log', 'log', 'pod_changed', 'end'].map((name) => `event: ${name}`),
      );
      assert.match(body, new RegExp(`id: ${at(0).getTime()}-2\ndata: .*"line":"two"`));
    }
  });

  it('go on after the last line that a follower had', async () => {
    const before = {
      type: 'lines',
      lines: [lineOf('one'), lineOf('two'), lineOf('three'), lineOf('four', 1)],
    } as const;
    await using api = await logApi([], async () => newsOf(before));

    const { body } = await api.get('logs?follow=true&tail=1', { 'last-event-id': `${at(0).getTime()}-2` });

    assert.deepEqual(body.match(/"line":"\w+"/g), ['"line":"three"', '"line":"four"']);
    assert.deepEqual([api.asked[0]?.since, api.asked[0]?.tail], [at(0), undefined]);
    assert.equal((await api.get('logs?follow=true', { 'last-event-id': 'x' })).statusCode, 400);
  });

  it('are refused before anything is sent when there is no such service, also to a follower', async () => {
    const refuse = () =>
      Promise.reject(new PlatformError('service_not_found', 'There is no service wbe; it has: web.'));
    await using api = await logApi([], refuse);

    const answer = await api.get('services/wbe/logs/stream');

    assert.deepEqual([answer.statusCode, answer.json().code], [404, 'service_not_found']);
    for (const query of ['tail=0', 'tail=10001', 'since=yesterday', 'revision=x', `grep=${'x'.repeat(1001)}`]) {
      assert.equal((await api.get(`logs?${query}`)).statusCode, 400, query);
    }
  });

  it('are followed again by the client after a lost connection, from where it was', async () => {
    let times = 0;
    await using api = await logApi([], async () => {
      times += 1;
      if (times > 1) return newsOf({ type: 'lines', lines: [lineOf('one'), lineOf('two')] });
      return brokenOff(lineOf('one'));
    });
    const url = await api.app.listen({ host: '127.0.0.1', port: 0 });
    const seen: ServiceLogEvent[] = [];

    for await (const event of eveClient({ url, token: 'eve_good' }).followEnvironmentLogs('shop', 'test', {
      tail: 7,
    })) {
      seen.push(event);
    }

    assert.deepEqual(
      seen.map((event) => (event.type === 'log' ? event.line : event.type)),
      ['one', 'connection', 'connection', 'two', 'end'],
    );
    assert.deepEqual(
      api.asked.map(({ tail, since }) => [tail, since]),
      [
        [7, undefined],
        [undefined, at(0)],
      ],
    );
  });
});

async function* brokenOff(line: ServiceLine): AsyncGenerator<LogNews, void, undefined> {
  yield { type: 'lines', lines: [line] };
  await new Promise((resolve) => setTimeout(resolve, 100));
  throw new Error('the engine is away');
}

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { PlatformError } from '@eve/domain';
import { authorization, run, scriptedApi, scriptedLog, spec } from '../testing/scripted.ts';
import { ApiError, eveClient, type LogEvent } from './client.ts';

const url = `/builds/${spec.id}/logs`;

async function logApi() {
  const script = scriptedLog();
  const { app, logged } = await scriptedApi(
    { openLog: async () => script.log, findBuildRun: async () => run },
    { logs: script.logs },
  );
  const listen = async () => {
    const base = await app.listen({ host: '127.0.0.1', port: 0 });
    return eveClient({ url: base, token: 'eve_good' });
  };
  return { ...script, app, logged, listen, [Symbol.asyncDispose]: () => app.close() };
}

describe('a log', () => {
  it('is a page of lines, from a sequence on or its tail', async () => {
    await using api = await logApi();
    api.add('one', 'two', 'three');

    const [all, after, tail] = await Promise.all(
      ['', '?after=1&limit=1', '?tail=2'].map((query) => api.app.inject({ url: url + query, headers: authorization })),
    );

    assert.deepEqual(all?.json().logs[0], {
      sequence: 1,
      timestamp: '2026-01-02T03:04:05.678Z',
      line: { message: 'one', step: 'build', service: 'web', stream: 'stdout', level: 'info', attempt: 1 },
    });
    assert.deepEqual(
      after?.json().logs.map((entry: { sequence: number }) => entry.sequence),
      [2],
    );
    assert.deepEqual(
      tail?.json().logs.map((entry: { sequence: number }) => entry.sequence),
      [2, 3],
    );
  });

  it('is empty for a build that never ran', async () => {
    const { app } = await scriptedApi({ findBuildRun: async () => null });

    const response = await app.inject({ url, headers: authorization });

    assert.deepEqual(response.json(), { logs: [] });
  });

  it('is text with times, or a line of JSON per line, for who asks so', async () => {
    await using api = await logApi();
    api.add('one', 'two');

    const text = await api.app.inject({ url, headers: { ...authorization, accept: 'text/plain' } });
    const lines = await api.app.inject({ url, headers: { ...authorization, accept: 'application/x-ndjson' } });

    assert.equal(text.payload, '[03:04:05] one\n[03:04:05] two\n');
    assert.deepEqual(
      lines.payload
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line).line.message),
      ['one', 'two'],
    );
  });

  it('is followed: why it waits at once, lines as they come, the final state last', async () => {
    await using api = await logApi();
    const client = await api.listen();
    const events: LogEvent[] = [];

    for await (const event of client.followBuildLogs(spec.id)) {
      events.push(event);
      if (event.type === 'state') api.add('one');
      if (event.type === 'log' && event.sequence === 1) api.add('two');
      if (event.type === 'log' && event.sequence === 2) {
        api.add('written just before the end');
        api.end('completed');
      }
    }

    assert.deepEqual(
      events.map((event) => (event.type === 'log' ? event.line.message : event.type)),
      ['state', 'one', 'two', 'written just before the end', 'end'],
    );
    assert.deepEqual(events[0], {
      type: 'state',
      subject_id: run.id,
      waiting: 'Waiting at position 2: the builder is full.',
    });
    assert.deepEqual(events.at(-1), { type: 'end', state: 'completed', error: null });
  });

  it('is followed from the line after Last-Event-ID', async () => {
    await using api = await logApi();
    api.add('one', 'two');
    api.end('failed');

    const headers = { ...authorization, accept: 'text/event-stream', 'last-event-id': '1' };
    const response = await api.app.inject({ url, headers });

    assert.match(response.payload, /^:\n\n/);
    assert.match(response.payload, /id: 2\n/);
    assert.doesNotMatch(response.payload, /id: 1\n/);
    assert.match(response.payload, /event: end\ndata: \{"state":"failed","error":null\}\n\n$/);
  });

  it('is taken up again by the client after a lost connection, without a doubled line', async () => {
    await using api = await logApi();
    let connections = 0;
    api.app.server.on('connection', () => connections++);
    const client = await api.listen();
    const seen: string[] = [];

    for await (const event of client.followBuildLogs(spec.id)) {
      if (event.type === 'state' && seen.length === 0) api.add('one');
      if (event.type === 'log') seen.push(event.line.message);
      if (event.type === 'log' && event.sequence === 1) {
        api.app.server.closeAllConnections();
        api.add('two');
        api.end('completed');
      }
    }

    assert.deepEqual(seen, ['one', 'two']);
    assert.ok(connections >= 2, `${connections} connections`);
  });

  it('lets go of a follower that is gone, and of all when the server stops', async () => {
    const api = await logApi();
    const signals: AbortSignal[] = [];
    const { follow } = api.logs;
    api.logs.follow = (subject, after, signal) => {
      signals.push(signal);
      return follow(subject, after, signal);
    };
    const client = await api.listen();
    const leaving = new AbortController();
    const first = client.followBuildLogs(spec.id, { signal: leaving.signal });
    await first.next();

    leaving.abort();
    await first.next().catch(() => undefined);
    while (!signals[0]?.aborted) await new Promise((resolve) => setTimeout(resolve, 10));
    const second = client.followBuildLogs(spec.id);
    await second.next();
    while (signals.length < 2) await new Promise((resolve) => setTimeout(resolve, 10));
    await api.app.close();

    assert.deepEqual(
      signals.map(({ aborted }) => aborted),
      [true, true],
    );
    assert.deepEqual(api.logged, []);
    await second.return(undefined);
  });
});

describe('the client', () => {
  it('turns a problem into an ApiError with status, code, details and when to come back', async () => {
    const { app } = await scriptedApi({
      getBuild: async () => {
        const details = [{ path: 'services.web', message: 'is unknown', line: 3, column: 5 }];
        throw new PlatformError('registry_unavailable', 'The registry does not answer.', { details });
      },
    });
    await using _closing = { [Symbol.asyncDispose]: () => app.close() };
    const client = eveClient({ url: await app.listen({ host: '127.0.0.1', port: 0 }), token: 'eve_good' });

    await assert.rejects(client.getBuild(spec.id), (error) => {
      assert.ok(error instanceof ApiError);
      assert.deepEqual(
        [error.status, error.code, error.message, error.retryAfter],
        [503, 'registry_unavailable', 'The registry does not answer.', 5],
      );
      assert.deepEqual(error.details, [
        { path: 'services.web', pointer: '/services/web', message: 'is unknown', line: 3, column: 5 },
      ]);
      return true;
    });
  });

  it('says when there is no server, without naming the token', async () => {
    const client = eveClient({ url: 'http://127.0.0.1:9', token: 'eve_good' });

    await assert.rejects(client.me(), (error) => {
      assert.ok(error instanceof ApiError);
      assert.deepEqual([error.status, error.code], [0, 'server_unreachable']);
      assert.doesNotMatch(error.message, /eve_good/);
      return true;
    });
  });

  it('encodes names in paths and reads null and empty answers', async () => {
    const asked: string[] = [];
    const { app } = await scriptedApi({
      showRelease: async (_platform, _caller, tag) => {
        asked.push(tag);
        throw new PlatformError('release_not_found', 'No such release.');
      },
      latestManifest: async () => null,
      revokeToken: async () => {
        throw new PlatformError('token_not_found', 'No such token.');
      },
    });
    await using _closing = { [Symbol.asyncDispose]: () => app.close() };
    const client = eveClient({ url: await app.listen({ host: '127.0.0.1', port: 0 }), token: 'eve_good' });

    await assert.rejects(client.getRelease('feature/x y'), { code: 'release_not_found' });

    assert.deepEqual(asked, ['feature/x y']);
    assert.equal(await client.latestManifest('shop'), null);
  });
});

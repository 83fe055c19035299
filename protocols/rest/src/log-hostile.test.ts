import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { NewLogLine } from '@eve/operations';
import { furnish, type RealApi, realApi, type Tenant } from '../testing/real.ts';

const esc = '\u001b';
const hostile = {
  'a NUL': ['a\0b', 'a\ufffdb', 'a\ufffdb'],
  'half a surrogate pair': ['a\ud800b', 'a\ufffdb', 'a\ufffdb'],
  'a line of a megabyte': ['x'.repeat(1_000_000), 'x'.repeat(1_000_000), 'x'.repeat(1_000_000)],
  'colours and cursor moves': [`a${esc}[31mred${esc}[0m${esc}[2J`, `a${esc}[31mred${esc}[0m${esc}[2J`, 'ared'],
  'a window title': [`a${esc}]0;pwned\u0007b`, `a${esc}]0;pwned\u0007b`, 'ab'],
  'carriage returns': ['10%\r20%\r', '10%\r20%\r', '10%20%'],
  'what looks like an event': ['data: x\n\nevent: end', 'data: x\n\nevent: end', 'data: xevent: end'],
  'line separators of Unicode': ['a\u2028b\u0085c', 'a\u2028b\u0085c', 'a\u2028bc'],
} as const;

describe('a hostile line', () => {
  let api: RealApi;
  let tenant: Tenant;
  let route: string;
  let ids: Awaited<ReturnType<typeof furnish>>;

  before(async () => {
    api = await realApi();
    tenant = await api.tenant('acme');
    ids = await furnish(api, tenant);
    route = `/builds/${ids.buildId}/logs`;
    const shared = { at: new Date('2026-03-01T12:34:56Z'), attempt: 1, service: 'web', step: null } as const;
    const lines: NewLogLine[] = Object.values(hostile).map(([text]) => ({
      ...shared,
      stream: 'stdout',
      level: 'info',
      code: null,
      text,
    }));
    await api.logs.append({ tenantId: tenant.organisation.id, id: ids.runId }, lines, null);
  });
  after(() => api[Symbol.asyncDispose]());

  const ask = async (accept: string) =>
    (await api.app.inject({ url: route, headers: { ...tenant.headers, accept } })).payload;

  Object.entries(hostile).forEach(([name, [, kept, shown]], index) => {
    it(`is kept and shown safely: ${name}`, async () => {
      const page = JSON.parse(await ask('application/json')) as { logs: { line: { message: string } }[] };
      const ndjson = (await ask('application/x-ndjson')).trim().split('\n');
      const text = (await ask('text/plain')).trimEnd().split('\n');

      assert.equal(page.logs[index]?.line.message, kept);
      assert.equal(JSON.parse(ndjson[index] ?? '').line.message, kept);
      assert.equal(text[index], `[12:34:56] ${shown}`);
      assert.deepEqual([ndjson.length, text.length], [8, 8]);
    });
  });

  it('reaches a follower as it is', async () => {
    const leaving = new AbortController();
    const seen: string[] = [];

    for await (const event of tenant.client.followBuildLogs(ids.buildId, { signal: leaving.signal })) {
      if (event.type === 'log') seen.push(event.line.message);
      if (seen.length === 8) break;
    }

    assert.deepEqual(
      seen,
      Object.values(hostile).map(([, kept]) => kept),
    );
  });
});

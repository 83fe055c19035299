import assert from 'node:assert/strict';
import { readdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { test } from 'node:test';
import { z } from 'zod';
import { run } from './installation.ts';

const Report = z.object({
  ok: z.boolean(),
  steps: z.array(z.object({ name: z.string(), ok: z.boolean(), ms: z.number(), error: z.string().optional() })),
  requests: z.number(),
  failed_requests: z.number(),
});

test('one command builds, releases, deploys, changes and rolls back the example, and leaves nothing', async (context) => {
  const before = await installations();

  const ended = await run('npm', ['start', '--silent', '--', '--once', '--yes'], { variables: process.env });

  const report = Report.parse(JSON.parse(ended.stdout.trim().split('\n').at(-1) ?? ''));
  for (const { name, ms } of report.steps) context.diagnostic(`${(ms / 1000).toFixed(1).padStart(6)} s  ${name}`);
  assert.deepEqual(
    report.steps.filter(({ ok }) => !ok),
    [],
    ended.stderr,
  );
  assert.equal(report.ok, true, ended.stderr);
  assert.equal(ended.code, 0);
  assert.ok(report.requests > 200, `${report.requests} requests`);
  assert.equal(report.failed_requests, 0);
  const names = report.steps.map(({ name }) => name);
  for (const name of ['build, release, deploy', 'deploy the change', 'roll back', 'data outlived it', 'stop'])
    assert.ok(names.includes(name), name);
  assert.deepEqual(await installations(), before);
});

async function installations(): Promise<string[]> {
  return (await readdir(tmpdir())).filter((name) => name.startsWith('eve-once-')).sort();
}

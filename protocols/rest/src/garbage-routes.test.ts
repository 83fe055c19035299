import assert from 'node:assert/strict';
import { it } from 'node:test';
import { authorization, caller, scriptedApi } from '../testing/scripted.ts';
import * as contract from './contract/index.ts';

const headers = authorization;
const policy = { revisions: 10, releases: 50, builds: 40, imagesMs: 60_000, logsMs: 120_000, everyMs: 0 };

it('shows what is kept, and hands on how garbage is to be collected', async () => {
  const asked: unknown[] = [];
  const { app } = await scriptedApi({
    readRetention: async () => ({ policy, running: false }),
    collectGarbage: async (_platform, who, request) => {
      asked.push(who.actor, request);
      const items = [{ kind: 'build', id: 'bld_1', sizeBytes: null, rule: 'builds: old' }] as const;
      return { dryRun: true, policy, items, told: [], notes: ['registry: left out'], freedBytes: null };
    },
  });

  const shown = await app.inject({ url: '/gc', headers });
  const collected = await app.inject({
    method: 'POST',
    url: '/gc',
    headers,
    payload: { dry_run: true, wait_seconds: 1.5 },
  });
  await app.inject({ method: 'POST', url: '/gc', headers, payload: {} });

  const retention = contract.Retention.strict().parse(shown.json());
  assert.deepEqual(
    [retention.policy.builds, retention.policy.images_seconds, retention.policy.every_seconds, retention.running],
    [40, 60, 0, false],
  );
  const report = contract.GarbageReport.strict().parse(collected.json());
  assert.deepEqual(report.items, [{ kind: 'build', id: 'bld_1', size_bytes: null, rule: 'builds: old' }]);
  assert.deepEqual([report.dry_run, report.notes, report.freed_bytes], [true, ['registry: left out'], null]);
  assert.deepEqual(asked, [caller.actor, { dryRun: true, waitMs: 1500 }, caller.actor, {}]);
});

it('refuses what it does not know', async () => {
  const { app } = await scriptedApi({});

  for (const payload of [{ dryrun: true }, { wait_seconds: -1 }, { wait_seconds: 'long' }]) {
    const { statusCode } = await app.inject({ method: 'POST', url: '/gc', headers, payload });
    assert.equal(statusCode, 400);
  }
});

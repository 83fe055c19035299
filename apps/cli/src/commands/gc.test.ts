import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { GarbageReport } from '@eve/protocol-rest/contract';
import { runEve } from '../../testing/run-eve.ts';
import { scriptedServer } from '../../testing/server.ts';

const policy = {
  revisions: 10,
  releases: 50,
  builds: 50,
  images_seconds: 604_800,
  logs_seconds: 2_592_000,
  every_seconds: 86_400,
};
const report: GarbageReport = {
  dry_run: false,
  policy,
  items: [
    { kind: 'release', id: 'acme/shop/v0.1.0', size_bytes: null, rule: 'releases: not among the newest 50' },
    { kind: 'registry_image', id: '127.0.0.1:5000/acme/shop/web@sha256:1', size_bytes: 3_000_000, rule: 'images: old' },
    {
      kind: 'registry_image',
      id: '127.0.0.1:5000/acme/shop/jobs@sha256:2',
      size_bytes: 2_000_000,
      rule: 'images: old',
    },
  ],
  told: [{ kind: 'volume', id: 'eve-shop-data', size_bytes: null, rule: 'volumes: its environment is gone' }],
  notes: [],
  freed_bytes: 4_900_000,
};
const nothing: GarbageReport = { ...report, items: [], told: [], freed_bytes: null };

describe('eve gc', () => {
  it('says what went, by which rule, and what that comes to', async () => {
    await using server = await scriptedServer({ 'POST /gc': report });

    const { code, stdout, stderr } = await runEve(['gc', '--wait', '5'], server);

    assert.equal(code, 0);
    assert.match(
      stdout,
      /^What +Size +Rule +Name\nrelease +- +releases: not among the newest 50 +acme\/shop\/v0\.1\.0\n/,
    );
    assert.match(stdout, /\nOnly a person removes these:\nWhat +Size +Rule +Name\nvolume +- /);
    assert.match(stdout, /\nGone: 1 release, 2 images in the registry \(5\.0 MB\)\nFreed in the registry: 4\.9 MB\n$/);
    assert.match(stderr, /builds that begin meanwhile wait/);
    assert.deepEqual(server.asked[0]?.body, { wait_seconds: 5 });
  });

  it('removes nothing in a dry run, and says so', async () => {
    await using server = await scriptedServer({ 'POST /gc': { ...report, dry_run: true, freed_bytes: null } });

    const { stdout, stderr } = await runEve(['gc', '--dry-run'], server);

    assert.match(stdout, /\nWould go: 1 release, .*\nNothing was removed: leave out --dry-run for that\.\n$/);
    assert.equal(stderr, '');
    assert.deepEqual(server.asked[0]?.body, { dry_run: true });
  });

  it('says when nothing goes, and what was left out', async () => {
    const notes = ['registry: left out, builds were under way for longer than 120 s'];
    await using server = await scriptedServer({ 'POST /gc': { ...nothing, notes } });

    const { stdout } = await runEve(['gc'], server);

    assert.equal(stdout, `Note: ${notes[0]}\nNothing goes: everything is needed, or not old enough.\n`);
  });

  it('shows what is kept', async () => {
    await using server = await scriptedServer({ 'GET /gc': { policy, running: true } });

    const { stdout } = await runEve(['gc', '--policy'], server);

    assert.match(stdout, /10 revisions to roll back to, the newest that were healthy\n/);
    assert.match(stdout, /50 other releases and 50 builds, the newest\n/);
    assert.match(stdout, /images nobody names +for 7 days\n/);
    assert.match(stdout, /Collected by itself every 24 h 0 min\.\nGarbage is being collected now\.\n$/);
  });
});

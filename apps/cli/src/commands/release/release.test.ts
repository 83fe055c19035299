import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { ListedRelease, ReleaseDetail, ReleaseDiff } from '@eve/protocol-rest/contract';
import { runEve } from '../../../testing/run-eve.ts';
import { pageOf, release, spec } from '../../../testing/samples.ts';
import { problem, scriptedServer } from '../../../testing/server.ts';

const at = '2026-01-02T03:04:05.678Z';
const block = { reason: 'loses orders', blocked_by: 'token:ann', blocked_at: at };
const listed: ListedRelease = { ...release, block };
const detail: ReleaseDetail = {
  ...listed,
  build_number: 7,
  running_in: [{ env_name: 'production', revision: 12, since: at, by: 'token:ann' }],
};
const digest = (digit: string) => `sha256:${digit.repeat(64)}`;
const diff: ReleaseDiff = {
  before: release,
  after: { ...release, tag: 'v2.0.0', version: '2.0.0', git_sha: 'b'.repeat(40) },
  commits: [{ sha: 'b'.repeat(40), author: 'Ann', at, message: 'feat: \u001b[31mred\n\nbody' }],
  commits_complete: true,
  manifest: [
    { service: 'web', what: 'replicas', before: '1', after: '2' },
    { service: null, what: 'registry', before: 'eve', after: null },
  ],
  images: [
    {
      service: 'web',
      before: { image_ref: 'r/web', digest: digest('1'), size_bytes: 12_300_000 },
      after: { image_ref: 'r/web', digest: digest('2'), size_bytes: 13_000_000 },
      same: false,
      packages: [{ name: 'openssl', before: '3.0.1', after: '3.0.2' }],
    },
  ],
  configuration: [{ service: '*', key: 'TOKEN', before: { plain: 'x' }, after: { secret: 'API_TOKEN' } }],
  notes: ['Some sizes are not known.'],
};
const ofShop = ['--project', 'shop'];

describe('eve release', () => {
  it('makes a release and says what could not be looked at', async () => {
    const note = 'The history of a1b2c3d4 cannot be read: the version is the next patch, whatever the commits say.';
    await using server = await scriptedServer({ 'POST /projects/:project/releases': { ...release, note } });

    const { stdout, stderr } = await runEve(['release', 'create', '--build', spec.id, ...ofShop], server);

    assert.match(stdout, /^Release created: v1\.0\.0\n {2}ID: /);
    assert.match(stderr, /history of a1b2c3d4 cannot be read/);
    assert.deepEqual(server.asked[0]?.body, { build_id: spec.id });
  });

  it('lists with filters and shows why one is blocked', async () => {
    await using server = await scriptedServer({ 'GET /projects/:project/releases': pageOf(listed) });
    const filters = ['--sha', 'a1b2c3d4', '--version', 'v1.0.0', '--blocked', 'true', '--since', '7d'];

    const { stdout } = await runEve(['release', 'list', ...filters, ...ofShop], server);

    assert.match(stdout, /^Tag +Release ID +SHA +Version +Blocked/);
    assert.match(stdout, /loses orders/);
    assert.equal(server.asked[0]?.url, '/projects/shop/releases?git_sha=a1b2c3d4&version=1.0.0&blocked=true&since=7d');
  });

  it('shows block, build and where it runs', async () => {
    await using server = await scriptedServer({ 'GET /releases/:tag': detail });

    const { stdout } = await runEve(['release', 'show', 'v1.0.0', ...ofShop], server);

    assert.match(stdout, /Blocked: +loses orders \(by token:ann, 2026-01-02 03:04:05\)/);
    assert.match(stdout, /Build: +bld_\w+ \(number 7\)/);
    assert.match(stdout, /Runs in: +production#12 since 2026-01-02 03:04:05/);
  });

  it('shows the difference of two part by part, and no control characters', async () => {
    await using server = await scriptedServer({ 'GET /projects/:project/releases/diff': diff });

    const asked = ['release', 'diff', 'v1.0.0', 'v2.0.0', '--from-env', 'staging', ...ofShop];
    const { stdout } = await runEve(asked, server);

    assert.equal(server.asked[0]?.url, '/projects/shop/releases/diff?from=v1.0.0&to=v2.0.0&from_env=staging');
    assert.ok(!stdout.includes('\u001b'));
    assert.deepEqual(
      stdout
        .trimEnd()
        .split('\n')
        .filter((line) => !line.includes('red')),
      [
        'v1.0.0 (a1b2c3d4) → v2.0.0 (bbbbbbbb)',
        '',
        'Commits:',
        '',
        'Manifest:',
        '  ~ web: replicas: 1 → 2',
        '  - registry: eve',
        '',
        'Images:',
        '  ~ web: sha256:111111111111 (12.3 MB) → sha256:222222222222 (13.0 MB)',
        '      1 package changed:',
        '      ~ openssl: 3.0.1 → 3.0.2',
        '',
        'Configuration:',
        '  ~ TOKEN: x → secret API_TOKEN',
        '',
        'Notes:',
        '  Some sizes are not known.',
      ],
    );
  });

  it('blocks with a reason only, and unblocks', async () => {
    await using server = await scriptedServer({
      'POST /projects/:project/releases/by-tag/:tag/block': listed,
      'POST /projects/:project/releases/by-tag/:tag/unblock': { ...listed, block: null },
    });

    const without = await runEve(['release', 'block', 'v1.0.0', ...ofShop], server);
    const blocked = await runEve(['release', 'block', 'v1.0.0', '--reason', 'loses orders', ...ofShop], server);
    const unblocked = await runEve(['release', 'unblock', 'v1.0.0', ...ofShop], server);

    assert.notEqual(without.code, 0);
    assert.match(without.stderr, /--reason/);
    assert.equal(blocked.stdout, 'Release blocked: v1.0.0\n');
    assert.equal(unblocked.stdout, 'Release unblocked: v1.0.0\n');
    assert.deepEqual(server.asked[0]?.body, { reason: 'loses orders' });
  });

  it('deletes and prunes, and tells what stays and why', async () => {
    const { id, tag } = release;
    await using server = await scriptedServer({
      'DELETE /projects/:project/releases/by-tag/:tag': (_request, reply) =>
        problem(reply, 409, 'release_in_use', 'Release v1.0.0 stays: it runs in test.'),
      'POST /projects/:project/releases/prune': {
        deleted: 1,
        releases: [{ id, tag: 'v0.9.0' }],
        kept: [{ id, tag, reason: 'it runs in test' }],
      },
    });

    const refused = await runEve(['release', 'delete', 'v1.0.0', ...ofShop], server);
    const pruned = await runEve(['release', 'prune', '--keep', '3', ...ofShop], server);

    assert.notEqual(refused.code, 0);
    assert.match(refused.stderr, /stays: it runs in test/);
    assert.equal(pruned.stdout, 'Deleted: 1 release\n  v0.9.0\nKept: 1 release\n  v1.0.0: it runs in test\n');
  });

  it('prints the manifest as it came', async () => {
    const yaml = 'kind: ConfigMap\ndata:\n  version: "v1.0.0"\n';
    await using server = await scriptedServer({
      'GET /projects/:project/releases/by-tag/:tag/manifest': (_request, reply) =>
        reply.type('application/yaml').send(yaml),
    });

    const { stdout } = await runEve(['release', 'manifest', 'v1.0.0', ...ofShop], server);

    assert.equal(stdout, yaml);
  });
});

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Release } from '@eve/domain';
import {
  deployed,
  eachOnSampleProject,
  environmentNow,
  type SampleProject,
  sampleManifest,
  sampleProject,
  type TestPlatform,
} from '../../testing/index.ts';
import { setConfiguration } from '../deploys/set-configuration.ts';
import { createRelease } from './create-release.ts';
import { type DiffReleases, diffReleases } from './diff-releases.ts';
import { packagesOf } from './image-packages.ts';

let test: TestPlatform;
let shop: SampleProject;

eachOnSampleProject((scene) => {
  ({ test, shop } = scene);
});

async function released(version: string, manifest?: string, message?: string): Promise<Release> {
  const { spec } = await shop.built(await shop.commit(manifest, {}, message));
  const about = { buildId: spec.id, version };
  return (await createRelease(test.platform, shop.caller, shop.project.id, about)).release;
}

const diff = (over: Partial<DiffReleases> = {}) =>
  diffReleases(test.platform, shop.caller, { projectId: shop.project.id, before: 'v1.0.0', after: 'v2.0.0', ...over });

function sbom(release: Release, predicateType: string, predicate: unknown) {
  const digest = release.images.web?.digest ?? '';
  const statement = { _type: 'https://in-toto.io/Statement/v0.1', predicateType, subject: [], predicate };
  test.registry.statements.set(digest, [statement]);
}

describe('the difference of two releases', () => {
  it('has the commits between them, and says when the other is the older one', async () => {
    await released('1.0.0');
    await shop.commit(undefined, {}, 'feat: one\n\nbody');
    await released('2.0.0', undefined, 'fix: two');

    const forward = await diff();
    const backward = await diff({ before: 'v2.0.0', after: 'v1.0.0' });

    const subjects = ({ commits }: typeof forward) => commits.map(({ message }) => message.split('\n')[0]);
    assert.deepEqual([subjects(forward), forward.commitsComplete], [['fix: two', 'feat: one'], true]);
    assert.deepEqual(forward.notes, []);
    assert.deepEqual(subjects(backward), ['fix: two', 'feat: one']);
    assert.match(backward.notes.join(), /v1\.0\.0 is older than v2\.0\.0/);
  });

  it('still has everything else when the repository and the registry cannot be read', async () => {
    await released('1.0.0');
    await released('2.0.0');
    test.source.away = true;
    test.registry.outage = new Error('registry away');

    const found = await diff();

    assert.deepEqual([found.commits, found.commitsComplete], [[], false]);
    assert.equal(found.images[0]?.before?.sizeBytes, null);
    assert.match(found.notes.join('\n'), /repository could not be read/);
    assert.match(found.notes.join('\n'), /packages of web are not known/);
    assert.match(found.notes.join('\n'), /sizes are not known/);
  });

  it('still has everything else when a manifest cannot be read any more', async () => {
    const one = await released('1.0.0');
    const two = { ...one, id: test.platform.newId('rel'), version: '2.0.0', tag: 'v2.0.0' };
    await test.platform.store.releases.insert({ ...two, manifestHash: 'f'.repeat(64) });

    const { manifest, images, notes } = await diff();

    assert.deepEqual([manifest, images.length], [[], 2]);
    assert.match(notes.join(), /manifest of v2\.0\.0 cannot be read/);
  });

  it('names what changed in the manifest, service by service', async () => {
    await released('1.0.0');
    const changed = sampleManifest
      .replace('GREETING: hello', 'GREETING: bye, NEW: x')
      .replace('"8000"', '"8000", "9000"')
      .replace('  jobs:\n', '  cache:\n    image: redis:7\n  jobs:\n')
      .replace('context: web', 'context: web, dockerfile: web/Dockerfile');
    test.registry.push('docker.io/library/redis:7', `sha256:${'7'.repeat(64)}`);
    await released('2.0.0', changed);

    const { manifest, images } = await diff();

    const lines = manifest.map(({ service, what, before, after }) => `${service} ${what}: ${before} → ${after}`);
    assert.ok(lines.includes('web environment.GREETING: hello → bye'), lines.join('\n'));
    assert.ok(lines.includes('web environment.NEW: null → x'), lines.join('\n'));
    assert.ok(
      lines.some((line) => /^web ports: 8000\/http → 8000\/http, 9000\/http$/.test(line)),
      lines.join('\n'),
    );
    assert.ok(
      lines.some((line) => /^cache service: null → .*redis:7/.test(line)),
      lines.join('\n'),
    );
    assert.ok(!lines.some((line) => line.startsWith('jobs')), lines.join('\n'));
    assert.deepEqual(
      images.map(({ service, before, after, same }) => [service, before === null, after === null, same]),
      [
        ['cache', true, false, false],
        ['jobs', false, false, false],
        ['web', false, false, false],
      ],
    );
    assert.equal(images[2]?.after?.sizeBytes, 1234);
  });

  it('has the packages that changed where both images carry an SBOM', async () => {
    const [one, two] = [await released('1.0.0'), await released('2.0.0')];
    assert.equal((await diff()).images[1]?.packages, null);
    sbom(one, 'https://spdx.dev/Document', {
      packages: [
        { name: 'openssl', versionInfo: '3.0.1' },
        { name: 'zlib', versionInfo: '1.3' },
        { name: 'gone', versionInfo: '1' },
        { name: 'image' },
      ],
    });
    sbom(two, 'https://cyclonedx.org/bom', {
      components: [
        { name: 'openssl', version: '3.0.2' },
        { name: 'zlib', version: '1.3' },
        { group: '@acme', name: 'new', version: '2' },
      ],
    });

    const { images } = await diff();

    assert.deepEqual(images[1]?.packages, [
      { name: '@acme/new', before: null, after: '2' },
      { name: 'gone', before: '1', after: null },
      { name: 'openssl', before: '3.0.1', after: '3.0.2' },
    ]);
    assert.equal(images[0]?.packages, null);
  });

  it('has no packages of a statement that says something else', () => {
    const statement = { _type: '', subject: [], predicateType: 'https://spdx.dev/Document' };
    assert.equal(packagesOf({ ...statement, predicate: 'x' }), null);
    assert.equal(packagesOf({ ...statement, predicate: { packages: [{ name: 1 }] } }), null);
  });

  it('has the configuration keys that differ where environments are named, and of secrets only the names', async () => {
    await shop.secret('KEY', 'very-secret');
    await released('1.0.0');
    await released('2.0.0');
    await deployed(test, shop, { releaseTag: 'v1.0.0' });
    const about = { projectId: shop.project.id, envName: 'test', unset: [], deploy: false };
    await setConfiguration(test.platform, shop.caller, { ...about, set: { MODE: { plain: 'a' } } });
    await setConfiguration(test.platform, shop.caller, { ...about, set: { TOKEN: { secret: 'KEY' } } });
    await deployed(test, shop, { releaseTag: 'v2.0.0' });

    const found = await diff({ beforeEnv: 'test' });

    assert.deepEqual(
      found.configuration?.map(({ service, key, before, after }) => [service, key, before, after]),
      [
        ['*', 'MODE', null, { plain: 'a' }],
        ['*', 'TOKEN', null, { secret: 'KEY' }],
      ],
    );
    assert.doesNotMatch(JSON.stringify(found), /very-secret/);
    assert.equal((await diff()).configuration, null);
    assert.ok(await environmentNow(test, shop));
    await assert.rejects(diff({ beforeEnv: 'nowhere' }), { code: 'environment_not_found' });
  });

  it('is not shown to strangers, nor of a release that is not there', async () => {
    await released('1.0.0');
    const stranger = await sampleProject(test, 'stranger');

    await assert.rejects(diff(), { code: 'release_not_found' });
    await assert.rejects(
      diffReleases(test.platform, stranger.caller, { projectId: shop.project.id, before: 'v1.0.0', after: 'v1.0.0' }),
      { kind: 'not_found' },
    );
  });
});

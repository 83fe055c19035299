import assert from 'node:assert/strict';
import { it } from 'node:test';
import {
  at,
  digestOf,
  hashOf,
  sampleArtifact,
  sampleConfig,
  sampleDeploy,
  sampleEnvironment,
  sampleRelease,
  sampleRevision,
  sampleRun,
  sampleSpec,
} from '@eve/adapter-postgres/testing';
import type { ConfigVersion, Environment, Release, Revision } from '@eve/domain';
import {
  type Commit,
  eachOnSampleProject,
  type SampleProject,
  scriptedRegistryStorage,
  type TestPlatform,
  testRegistry,
} from '../../testing/index.ts';
import type { Caller } from '../caller.ts';
import { collectGarbage } from './collect-garbage.ts';
import { restorableRevisions } from './restorable.ts';

const histories = 6;
const stepsOfEach = 40;
const never = new AbortController().signal;
const operator: Caller = {
  ...{ actor: 'token:operator', tenantId: 'org_none', scopes: ['admin'], projectId: null, operator: true },
};

let test: TestPlatform;
let shop: SampleProject;

eachOnSampleProject((scene) => {
  ({ test, shop } = scene);
});

/** Numbers below a bound, the same for the same seed. */
function random(seed: number): (below: number) => number {
  let state = seed * 7919;
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

/** Two images in the registry, of which one may be that of an earlier build; some were pushed by no build of Eve's. */
async function pushed(commit: Commit, words: readonly [string, string], { byBuild }: { byBuild: boolean }) {
  const { store } = test.platform;
  const from = { ...commit, gitSha: hashOf(`${words}`).slice(0, 40) };
  const spec = byBuild ? await store.buildSpecs.insertOrGet(sampleSpec(shop.project, from)) : null;
  const run = spec && sampleRun(spec, { status: 'completed', attempt: 1, startedAt: at, completedAt: at });
  if (run) await store.buildRuns.insert(run);
  const images: Record<string, Release['images'][string]> = {};
  for (const [index, serviceName] of (['web', 'jobs'] as const).entries()) {
    const image = { registry: 'eve', repository: `acme/shop/${serviceName}` };
    const digests = { digest: digestOf(words[index] ?? ''), platforms: [] };
    test.registry.push(`${testRegistry}/${image.repository}@${digests.digest}`, digests.digest);
    if (run) await store.buildArtifacts.insert(sampleArtifact(run, { serviceName, image, digests }), null);
    images[serviceName] = { image, ...digests };
  }
  return { buildId: spec?.id ?? null, images, ...from };
}

/** What brings a release to an environment, and how that ended. */
async function deploy(environment: Environment, config: ConfigVersion, release: Release, healthy: boolean) {
  const { store } = test.platform;
  const revision = await store.revisions.insert(sampleRevision(release, config));
  const status = healthy ? ('healthy' as const) : ('cancelled' as const);
  await store.deploys.insert(sampleDeploy(revision, { status, startedAt: at, completedAt: at }));
  if (healthy) await store.environments.update({ ...idOf(environment), currentRevisionId: revision.id });
}

const idOf = ({ id, tenantId }: Environment) => ({ id, tenantId });

async function restorable(environment: Environment): Promise<readonly string[]> {
  const { store } = test.platform;
  const now = await store.environments.get(environment.tenantId, environment.id);
  const revisions: Revision[] = [];
  for (let cursor: string | undefined; ; ) {
    const page = await store.revisions.list(now.tenantId, now.id, { limit: 100, ...(cursor && { cursor }) });
    revisions.push(...page.items);
    if (page.nextCursor === null) break;
    cursor = page.nextCursor;
  }
  const found = await restorableRevisions(test.platform, now, revisions);
  // Of the current one nobody asks whether it can be restored: its images have to be there as well.
  for (const { release } of found.filter(({ code }) => code === 'current')) {
    for (const { image, digest } of Object.values(release.images)) {
      assert.ok(await test.registry.exists(`${testRegistry}/${image.repository}@${digest}`, null), `${digest} serves`);
    }
  }
  return found.filter(({ code }) => code === 'restorable' || code === 'current').map(({ revision }) => revision.id);
}

for (let seed = 1; seed <= histories; seed++) {
  it(`after a collection everything that could be restored still can be, and a second one finds nothing (history ${seed})`, async () => {
    const below = random(seed);
    const { store } = test.platform;
    const retention = {
      ...{ revisions: below(4), releases: below(3), builds: below(4) },
      ...{ imagesMs: 0, logsMs: 1, everyMs: 0 },
    };
    const platform = {
      ...test.platform,
      now: () => new Date(Date.now() + 1000),
      settings: { ...test.platform.settings, retention },
      registryStorage: scriptedRegistryStorage(test.registry),
    };
    test = { ...test, platform };
    const places: { environment: Environment; config: ConfigVersion }[] = [];
    for (const name of ['test', 'staging']) {
      const environment = sampleEnvironment(shop.project, { name });
      await store.environments.insert(environment);
      places.push({ environment, config: await store.configVersions.insert(sampleConfig(environment)) });
    }
    const commit = await shop.commit();
    const releases: Release[] = [];
    let collected = 0;

    for (let step = 0; step < stepsOfEach; step++) {
      const what = below(10);
      const place = places[below(places.length)];
      if (what < 4 || releases.length === 0) {
        // Sometimes only one of two images is another.
        const words = [`web ${seed} ${step}`, `jobs ${seed} ${step - below(2)}`] as const;
        const made = await pushed(commit, words, { byBuild: below(3) > 0 });
        if (below(4) > 0) {
          const release = sampleRelease(shop.project, { ...made, tag: `s${seed}.${step}` });
          await store.releases.insert(release);
          releases.push(release);
        }
      } else if (what < 9 && place) {
        const release = releases[below(releases.length)] as Release; // there is one
        const [block] = await store.releases.blocks(release.tenantId, [release.id]);
        const there = await store.releases.get(release.tenantId, release.id).catch(() => null);
        if (there && !block) await deploy(place.environment, place.config, release, below(3) > 0);
      } else {
        const before = await Promise.all(places.map(({ environment }) => restorable(environment)));
        const { items } = await collectGarbage(platform, operator, {}, never);
        collected += items.length;
        assert.deepEqual(await Promise.all(places.map(({ environment }) => restorable(environment))), before);
        assert.deepEqual((await collectGarbage(platform, operator, {}, never)).items, []);
      }
    }

    const said = await collectGarbage(platform, operator, { dryRun: true }, never);
    assert.deepEqual((await collectGarbage(platform, operator, {}, never)).items, said.items);
    assert.ok(collected + said.items.length > 0, 'something went');
  });
}

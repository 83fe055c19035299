import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Deploy } from '@eve/domain';
import {
  askForDeploy,
  type Commit,
  eachOnSampleProject,
  environmentNow,
  type SampleProject,
  type TestPlatform,
} from '../../testing/index.ts';
import type { Failpoint } from '../platform.ts';
import { rollbackEnvironment } from './rollback-environment.ts';
import { setConfiguration } from './set-configuration.ts';

const histories = 8;
const stepsOfEach = 14;
const points: readonly Failpoint[] = [
  'after-claim',
  'after-plan',
  'after-start-instances',
  'before-switch',
  'after-switch',
  'before-healthy',
  'after-healthy',
];
const strategies = ['', 'strategy: rolling', 'strategy: { type: blue-green, keep_warm: 300ms }'];

let test: TestPlatform;
let shop: SampleProject;

/** What must come back: which instances serve, by digest, configuration and settings, and what is recorded of them. */
interface Picture {
  readonly release: string;
  readonly manifestHash: string;
  readonly digests: Readonly<Record<string, string>>;
  readonly configuration: unknown;
  /** Service and hash of everything that answers to a service's name; the hash covers digest, environment and settings. */
  readonly serving: readonly string[];
  readonly traffic: readonly string[];
}

/** The environment as it is, without ids and times; null before the first revision serves. */
async function pictured(): Promise<Picture | null> {
  const { store } = test.platform;
  const found = await store.environments.findByName(shop.caller.tenantId, shop.project.id, 'test');
  if (!found?.currentRevisionId) return null;
  const revision = await store.revisions.get(found.tenantId, found.currentRevisionId);
  const release = await store.releases.get(found.tenantId, revision.releaseId);
  const config = await store.configVersions.get(found.tenantId, revision.configVersionId);
  const named = test.deployer.instances.filter((each) => each.named && each.environmentId === found.id);
  const endpoints = await store.endpoints.listOfEnvironment(found.tenantId, found.id);
  const hashOf = new Map(test.deployer.instances.map(({ name, hash }) => [name, hash]));
  return {
    release: release.id,
    manifestHash: release.manifestHash,
    digests: Object.fromEntries(Object.entries(release.images).map(([service, { digest }]) => [service, digest])),
    configuration: config.values,
    serving: named.map(({ service, hash }) => `${service} ${hash}`).sort(),
    traffic: endpoints
      .filter(({ state }) => state === 'serving')
      .map(({ service, instance }) => `${service} ${hashOf.get(instance)}`)
      .sort(),
  };
}

/** A generator of numbers below a limit: the same for the same seed (mulberry32). */
function dice(seed: number): (sides: number) => number {
  let state = seed;
  return (sides) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) % sides;
  };
}

function manifestWith(replicas: number, greeting: string, strategy: string): string {
  return `services:
  web:
    build: { context: web }
    ports: ["8000"]
    environment: { GREETING: ${greeting} }
    deploy: { replicas: ${replicas} }
  jobs:
    build: { context: jobs }
environments:
  test: ${strategy === '' ? '{}' : `{ ${strategy} }`}
`;
}

/** Deploys what was asked for, now and then through a worker that dies on the way. */
async function carriedOut(asked: Deploy, roll: (sides: number) => number): Promise<Deploy> {
  if (roll(3) === 0) {
    const point = points[roll(points.length)] as Failpoint; // below the list's length
    await test.killAt('deploy', point).catch(async (error: Error) => {
      // One that fails, or moves its traffic bit by bit, ends before some points, or never comes to them.
      const { status } = await test.platform.store.deploys.get(asked.tenantId, asked.id);
      if (!/was not reached/.test(error.message) || !['failed', 'healthy'].includes(status)) throw error;
    });
  }
  await test.work();
  return test.platform.store.deploys.get(asked.tenantId, asked.id);
}

for (const exchange of ['halting', 'rolling'] as const)
  describe(`a random history of an environment, ${exchange}`, () => {
    eachOnSampleProject(
      (scene) => {
        ({ test, shop } = scene);
      },
      { exchange },
    );

    for (let seed = 1; seed <= histories; seed++) {
      it(`brings back exactly what was, whatever happened in between (${seed})`, { timeout: 240_000 }, async () => {
        const roll = dice(seed);
        const commits: Commit[] = [];
        for (const replicas of [1, 3, 2]) {
          const strategy = strategies[(seed + replicas) % strategies.length] ?? '';
          const commit = await shop.commit(manifestWith(replicas, `v${replicas}`, strategy));
          await shop.built(commit);
          commits.push(commit);
        }
        const known = new Map<number, Picture>();
        const told: string[] = [];

        for (let step = 0; step < stepsOfEach; step++) {
          const before = await pictured();
          const broken = roll(4) === 0;
          test.deployer.script.web = broken ? { unhealthy: true } : {};
          // Fewer than the settings keep.
          const restorable = [...known.keys()].slice(-8);
          const back = restorable[roll(Math.max(1, restorable.length))];
          const kind = roll(3);
          let asked: Deploy | null;
          if (kind === 0 && back !== undefined && before) {
            const request = { projectId: shop.project.id, envName: 'test', to: String(back) };
            asked = (await rollbackEnvironment(test.platform, shop.caller, request)).deploy;
            told.push(`back to ${back}`);
          } else if (kind === 1 && before) {
            const set = { LEVEL: { plain: String(roll(5)) } };
            const request = { projectId: shop.project.id, envName: 'test', set, unset: [] };
            asked = (await setConfiguration(test.platform, shop.caller, request)).deploy;
            told.push('configure');
          } else {
            const commit = commits[roll(commits.length)] as Commit; // below the list's length
            asked = await askForDeploy(test, shop, commit);
            told.push(`deploy ${commits.indexOf(commit)}`);
          }
          if (!asked) continue;

          const ended = await carriedOut(asked, roll);
          told.push(`${ended.status}${ended.failure ? ` (${ended.failure.code}: ${ended.failure.message})` : ''}`);
          const after = await pictured();
          const revision = await test.platform.store.revisions.get(ended.tenantId, ended.revisionId);

          const history = told.join(', ');
          assert.ok(['healthy', 'failed'].includes(ended.status), history);
          if (ended.status === 'failed') assert.deepEqual(after, before, history);
          else {
            assert.ok(after);
            const { currentRevisionId } = await environmentNow(test, shop);
            assert.equal(currentRevisionId, revision.id, history);
            // What was restored is what was: apart from ids and times nothing differs.
            if (ended.cause === 'rollback') assert.deepEqual(after, known.get(back as number), history);
            known.set(revision.number, after);
          }
          // One revision serves, and nothing else is left running once all work is done.
          const running = test.deployer.instances.filter(({ state }) => state === 'running');
          const kept = new Set(
            (await test.platform.store.endpoints.listAll())
              .filter(({ state }) => state === 'warm')
              .map(({ instance }) => instance),
          );
          assert.deepEqual(
            running
              .filter(({ name }) => !kept.has(name))
              .map(({ service, hash }) => `${service} ${hash}`)
              .sort(),
            after?.serving ?? [],
            history,
          );
        }
      });
    }
  });

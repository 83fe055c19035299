import assert from 'node:assert/strict';
import { join } from 'node:path';
import { digestOf, manifestOf, statesOf } from './builder-surroundings.ts';
import { type BuilderBench, lease } from './builder-workbench.ts';

/** What images and caches an engine makes; what it says it cannot do it has to refuse. */
export function testImages(bench: BuilderBench): void {
  const { test, planOf, build } = bench;
  const able = () => bench.engine.builder.capabilities();
  const word = () => `${Date.now()}-${Math.random()}`;

  test('runs again only the steps after the first that has changed, and all of them when told so', async () => {
    const first = word();
    const files = (last: string) => ({ Dockerfile: `FROM BASE\nRUN echo ${first}\nRUN echo last ${last}\n` });
    await build(await planOf(files('one')));

    const changed = await build(await planOf(files('two')));
    const whole = await build(await planOf(files('two'), { noCache: true }));

    const states = [changed, whole].map((outcome) =>
      [/2\/3\] RUN/, /3\/3\] RUN/].map((step) => statesOf(outcome, step).at(-1)),
    );
    assert.deepEqual(states, [
      ['cached', 'done'],
      ['done', 'done'],
    ]);
  });

  test('keeps layers where the plan says, and finds them there from another tenant’s daemon', async () => {
    const { cacheExport } = await able();
    const files = { Dockerfile: `FROM BASE\nRUN echo ${word()}\n` };
    const plan = await planOf(files);
    const registry = { type: 'registry', reference: `${bench.engine.registryHost}/contract/cache:web` } as const;
    const local = { type: 'local', directory: join(plan.sourceDir, '..', 'cache') } as const;
    const { localCaches = true } = bench.engine;
    for (const place of [...(cacheExport ? [] : [registry]), ...(cacheExport && localCaches ? [] : [local])])
      await assert.rejects(bench.engine.builder.ensure({ ...plan, cacheTo: [place] }, lease), {
        code: 'engine_capability_missing',
      });
    if (!cacheExport) return;
    const places = localCaches ? [registry, local] : [registry];
    const step = /2\/2\] RUN echo/;
    assert.equal((await build({ ...plan, cacheTo: places })).failure, null);

    const states: unknown[] = [];
    for (const [index, cacheFrom] of [[], ...places.map((place) => [place])].entries()) {
      // A tenant of its own each time: nothing is there but what the plan names.
      const outcome = await build({ ...plan, name: `${plan.name}-${index}`, organisation: `other${index}`, cacheFrom });
      assert.equal(outcome.failure, null);
      states.push(statesOf(outcome, step).at(-1));
    }

    const own = new Set(['done', 'cached']).has(String(states[0]));
    assert.ok(own);
    assert.deepEqual(
      states.slice(1),
      places.map(() => 'cached'),
    );
  });

  test('builds for several platforms into one index, or says at once that it cannot', async () => {
    const { multiPlatform } = await able();
    const platforms = ['linux/amd64', 'linux/arm64'];
    const plan = await planOf({ Dockerfile: 'FROM scratch\nCOPY Dockerfile /\n' }, { platforms });

    if (!multiPlatform) {
      await assert.rejects(bench.engine.builder.ensure(plan, lease), { code: 'engine_capability_missing' });
      return;
    }
    const { digest, failure } = await build(plan);

    assert.equal(failure, null);
    assert.equal(await digestOf(plan.tags[0] ?? ''), digest);
    const { manifests } = await manifestOf(plan.tags[0] ?? '');
    assert.deepEqual(
      manifests?.map(({ platform }) => `${platform?.os}/${platform?.architecture}`),
      platforms,
    );
  });

  test('makes the same image twice from the same source', async () => {
    const { rewriteTimestamps } = await able();
    if (!rewriteTimestamps) return;
    const files = { Dockerfile: 'FROM BASE\nWORKDIR /app\nCOPY Dockerfile /x\nRUN echo made > /made\n' };
    const more = { sourceDateEpoch: 1_700_000_000, noCache: true };

    const first = await build(await planOf(files, more));
    await new Promise((resolve) => setTimeout(resolve, 1_100)); // files have their times in seconds
    const second = await build(await planOf(files, more));

    assert.match(first.digest ?? '', /^sha256:/);
    assert.equal(second.digest, first.digest);
  });

  test('keeps its cache from commit to commit, whose times differ', async () => {
    const files = { Dockerfile: `FROM BASE\nWORKDIR /app\nRUN echo ${word()}\n` };
    const first = await build(await planOf(files, { sourceDateEpoch: 1_700_000_000 }));
    const second = await build(await planOf(files, { sourceDateEpoch: 1_700_086_400 }));

    assert.equal(first.failure, null);
    assert.deepEqual(statesOf(second, /WORKDIR \/app/).at(-1), 'cached');
    assert.deepEqual(statesOf(second, /RUN echo/).at(-1), 'cached');
  });

  test('pushes without a name to compare, or nothing at all', async () => {
    const { cacheExport } = await able();
    const files = { Dockerfile: `FROM BASE\nRUN echo ${word()}\n` };
    const unnamed = await planOf(files, { output: 'push-by-digest' });
    const nothing = await planOf(files, { output: 'none' });

    const tested = await build(nothing);
    assert.equal(tested.failure, null);
    assert.equal(tested.events.at(-1)?.type, 'passed');
    assert.equal(await digestOf(nothing.tags[0] ?? ''), null);
    if (!cacheExport) {
      await assert.rejects(bench.engine.builder.ensure(unnamed, lease), { code: 'engine_capability_missing' });
      return;
    }
    const compared = await build(unnamed);
    assert.match(compared.digest ?? '', /^sha256:/);
    assert.equal(await digestOf(unnamed.tags[0] ?? ''), null);
    assert.notEqual(
      (await manifestOf(`${(unnamed.tags[0] ?? '').replace(/:\d+$/, '')}@${compared.digest}`)).mediaType,
      null,
    );
  });

  test('uses a text instead of the Dockerfile, with what that file says about ignoring', async () => {
    const files = {
      'app/Dockerfile': 'FROM nowhere\n',
      'app/Dockerfile.dockerignore': 'hidden\n',
      hidden: 'x',
      seen: 'x',
    };
    const dockerfileText = `FROM ${bench.engine.baseImage}\nCOPY . /x\nRUN echo ${word()}; ls /x\n`;

    const outcome = await build(await planOf(files, { dockerfile: 'app/Dockerfile', dockerfileText }));

    assert.equal(outcome.failure, null);
    assert.ok(outcome.lines.includes('seen'));
    assert.ok(!outcome.lines.includes('hidden'));
  });

  test('attaches provenance and a list of packages where it can', async () => {
    const { attestations } = await able();
    const scanner = `${bench.engine.registryHost}/contract/scanner:1`;
    const statement = `{"_type":"https://in-toto.io/Statement/v0.1","predicateType":"https://spdx.dev/Document","predicate":{"name":"of this image"}}`;
    const script = `#!/bin/sh\nset -e\necho '${statement}' > "$BUILDKIT_SCAN_DESTINATION/found.spdx.json"\n`;
    const scan = { Dockerfile: 'FROM BASE\nCOPY --chmod=755 scan /scan\nENTRYPOINT ["/scan"]\n', scan: script };
    if (attestations) assert.equal((await build(await planOf(scan, { tags: [scanner] }))).failure, null);
    const plan = await planOf(
      { Dockerfile: 'FROM BASE\nCOPY Dockerfile /\n' },
      { provenance: true, sbomScanner: attestations ? scanner : null },
    );

    const { failure, digest } = await build(plan);

    assert.equal(failure, null);
    assert.equal(await digestOf(plan.tags[0] ?? ''), digest);
    const { manifests } = await manifestOf(plan.tags[0] ?? '');
    const attached = manifests?.find(
      ({ annotations }) => annotations?.['vnd.docker.reference.type'] === 'attestation-manifest',
    );
    assert.equal(Boolean(attached), attestations);
    if (!attached) return;
    const repository = (plan.tags[0] ?? '').replace(/:\d+$/, '');
    const { layers } = await manifestOf(`${repository}@${attached.digest}`);
    const kinds = layers?.map(({ annotations }) => annotations?.['in-toto.io/predicate-type'] ?? '');
    assert.ok(kinds?.some((kind) => /^https:\/\/slsa.dev\/provenance\//.test(kind)));
    assert.ok(kinds?.includes('https://spdx.dev/Document'));
  });
}

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { buildxArguments, type ResolvedPlan } from './arguments.ts';
import { checkCapabilities, parseCapabilities } from './capabilities.ts';
import { dockerConfig } from './scratch.ts';

const plan: ResolvedPlan = {
  name: 'plan',
  runId: 'brun_01k0000000000000000000000',
  service: 'web',
  sourceDir: '/src',
  context: 'app',
  contextPath: '/src/app',
  dockerfile: 'app/Dockerfile',
  dockerfilePath: '/src/app/Dockerfile',
  target: 'web',
  args: { B: 'two words', A: '$(1)' },
  labels: { 'org.example': '--push' },
  platforms: ['linux/amd64'],
  tags: ['eve.example/shop/web:1', 'eve.example/shop/web:2'],
  secrets: [{ id: 'npmrc', value: 'hunter2' }],
  logins: [{ host: 'eve.example', username: 'run', password: 'letmein' }],
  sourceDateEpoch: 1_700_000_000,
  noCache: true,
  limits: { memoryBytes: null, cpus: null },
};
const scratch = { directory: '/s', configDir: '/s/docker', secretsDir: '/s/a,b', metadataFile: '/s/metadata.json' };
const inspected =
  'Name:   default\nDriver: docker\n\nNodes:\nName: default\nStatus: running\nBuildKit version: v0.8+unknown\nPlatforms: linux/amd64*, linux/386\n';
const dockerDriver = parseCapabilities('github.com/docker/buildx 0.13.1+ds1 0.13.1+ds1-3', inspected);
const ownBuildkit = parseCapabilities(
  'github.com/docker/buildx v0.37.2 abc',
  'Name: eve\nDriver: remote\n\nNodes:\nBuildKit version: v0.33.1\nPlatforms: linux/amd64, linux/arm64\n',
);

describe('the arguments of buildx', () => {
  it('are the whole plan, the context last', () => {
    assert.deepEqual(buildxArguments(plan, scratch, { builder: null, network: null, capabilities: dockerDriver }), [
      'build',
      '--push',
      '--progress=rawjson',
      '--provenance=false',
      '--file=/src/app/Dockerfile',
      '--tag=eve.example/shop/web:1',
      '--tag=eve.example/shop/web:2',
      '--target=web',
      '--platform=linux/amd64',
      '--no-cache',
      '--build-arg=A=$(1)',
      '--build-arg=B=two words',
      '--build-arg=SOURCE_DATE_EPOCH=1700000000',
      '--label=org.example=--push',
      '--secret=id=npmrc,"src=/s/a,b/0"',
      '--metadata-file=/s/metadata.json',
      '--',
      '/src/app',
    ]);
  });

  it('hold no secret', () => {
    const text = buildxArguments(plan, scratch, { builder: null, network: null, capabilities: dockerDriver }).join(' ');

    assert.doesNotMatch(text, /hunter2|letmein/);
  });

  it('ask a newer BuildKit for provenance and for the commit time in the layers', () => {
    const args = buildxArguments(plan, scratch, { builder: 'eve', network: 'host', capabilities: ownBuildkit });

    assert.ok(args.includes('--builder=eve'));
    assert.ok(args.includes('--network=host'));
    assert.ok(args.includes('--provenance=mode=max'));
    assert.ok(args.includes('--output=type=image,push=true,rewrite-timestamp=true'));
    assert.ok(!args.includes('--push'));
  });

  it('leave logins to a configuration file under their real keys', () => {
    assert.deepEqual(JSON.parse(dockerConfig(plan.logins)), { auths: { 'eve.example': { auth: 'cnVuOmxldG1laW4=' } } });
  });
});

describe('the capabilities of buildx', () => {
  it('are read from what it prints', () => {
    assert.deepEqual(dockerDriver, {
      driver: 'docker',
      version: '0.13.1+ds1',
      buildkit: '0.8',
      platforms: ['linux/amd64', 'linux/386'],
      multiPlatform: false,
      attestations: false,
      rewriteTimestamps: false,
      cacheExport: false,
    });
    assert.equal(ownBuildkit.rewriteTimestamps, true);
  });

  it('refuse several platforms where only one can be built', () => {
    const several = { ...plan, platforms: ['linux/amd64', 'linux/386'] };

    assert.throws(() => checkCapabilities(dockerDriver, several), { code: 'engine_capability_missing' });
    checkCapabilities({ ...dockerDriver, multiPlatform: true }, several);
    checkCapabilities(dockerDriver, plan);
  });
});

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { buildctlArguments } from '../buildkit/arguments.ts';
import { checkPlan } from '../client/check-plan.ts';
import type { ResolvedPlan } from '../client/plan.ts';
import { dockerConfig } from '../client/scratch.ts';
import { buildxArguments } from './arguments.ts';
import { parseCapabilities } from './capabilities.ts';

const plan: ResolvedPlan = {
  name: 'plan',
  runId: 'brun_01k0000000000000000000000',
  service: 'web',
  organisation: 'acme',
  output: 'push',
  dockerfileText: null,
  cacheFrom: [],
  cacheTo: [],
  provenance: true,
  sbomScanner: null,
  sourceDir: '/src',
  context: 'app',
  contextPath: '/src/app',
  dockerfile: 'app/Dockerfile',
  dockerfilePath: '/src/app/Dockerfile',
  declaresEpoch: true,
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

const plain = { insecureHosts: [], group: null, network: null };
const engine = { ...plain, builder: null, capabilities: dockerDriver };
const daemon = { ...plain, builder: 'eve', capabilities: ownBuildkit };

describe('the arguments of buildx', () => {
  it('are the whole plan, the context last', () => {
    assert.deepEqual(buildxArguments(plan, scratch, engine), [
      'build',
      '--push',
      '--tag=eve.example/shop/web:1',
      '--tag=eve.example/shop/web:2',
      '--progress=rawjson',
      '--provenance=false',
      '--file=/src/app/Dockerfile',
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
    const text = buildxArguments(plan, scratch, engine).join(' ');

    assert.doesNotMatch(text, /hunter2|letmein/);
  });

  it('ask a newer BuildKit for provenance and for the commit time in the layers', () => {
    const args = buildxArguments(plan, scratch, { ...daemon, network: 'host' });

    assert.ok(args.includes('--builder=eve'));
    assert.ok(args.includes('--network=host'));
    assert.ok(args.includes('--provenance=mode=max'));
    assert.ok(
      args.includes(
        '--output=type=image,"name=eve.example/shop/web:1,eve.example/shop/web:2",push=true,source-date-epoch=1700000000,rewrite-timestamp=true',
      ),
    );
    assert.ok(!args.includes('--push'));
  });

  it('leave logins to a configuration file under their real keys', () => {
    assert.deepEqual(JSON.parse(dockerConfig(plan.logins)), { auths: { 'eve.example': { auth: 'cnVuOmxldG1laW4=' } } });
  });
});

describe('the arguments of buildctl', () => {
  const target = { address: 'unix:///bk.sock', insecureHosts: [], group: null, capabilities: ownBuildkit };
  const small = { ...plan, args: {}, labels: {}, target: null, noCache: false, platforms: [], sourceDateEpoch: null };

  it('are the whole plan', () => {
    assert.deepEqual(buildctlArguments({ ...small, tags: ['eve.example/a:1'] }, scratch, target), [
      '--addr=unix:///bk.sock',
      'build',
      '--frontend=dockerfile.v0',
      '--progress=rawjson',
      '--local=context=/src/app',
      '--local=dockerfile=/src/app',
      '--opt=filename=Dockerfile',
      '--opt=attest:provenance=mode=max',
      '--secret=id=npmrc,"src=/s/a,b/0"',
      '--output=type=image,name=eve.example/a:1,push=true',
      '--metadata-file=/s/metadata.json',
    ]);
  });

  it('hold no secret', () => {
    assert.doesNotMatch(buildctlArguments(plan, scratch, target).join(' '), /hunter2|letmein/);
  });

  it('name caches, and registries without https', () => {
    const cache = { type: 'registry', reference: 'plain.example/a/cache:web' } as const;
    const caches = { cacheFrom: [cache], cacheTo: [cache, { type: 'local', directory: '/c' } as const] };
    const args = buildctlArguments({ ...small, ...caches }, scratch, { ...target, insecureHosts: ['plain.example'] });

    assert.ok(args.includes('--import-cache=type=registry,ref=plain.example/a/cache:web,registry.insecure=true'));
    assert.ok(args.includes('--export-cache=type=local,dest=/c,mode=max,ignore-error=true'));
  });

  it('name the control group without taking the place of a proxy', () => {
    const args = (of: ResolvedPlan) => buildctlArguments(of, scratch, { ...target, group: 'build-1' });

    assert.ok(args(small).includes('--opt=build-arg:FTP_PROXY=eve-group:build-1'));
    assert.ok(
      args({ ...small, args: { ftp_proxy: 'p:1', FTP_PROXY: 'eve-group:build-2' } }).every(
        (arg) => !arg.includes('build-2'),
      ),
    );
    assert.ok(
      args({ ...small, args: { ftp_proxy: 'p:1' } }).includes('--opt=build-arg:ftp_proxy=eve-group:build-1,p:1'),
    );
  });

  it('push by digest without a tag, or keep the layers in the cache alone', () => {
    const output = (of: Partial<ResolvedPlan>) =>
      buildctlArguments({ ...small, ...of }, scratch, target).find((argument) => argument.startsWith('--output'));

    assert.equal(
      output({ output: 'push-by-digest' }),
      '--output=type=image,name=eve.example/shop/web,push=true,push-by-digest=true,name-canonical=true',
    );
    assert.equal(output({ output: 'none' }), undefined);
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
      limits: false,
    });
    assert.equal(ownBuildkit.rewriteTimestamps, true);
  });

  it('refuse several platforms where only one can be built', () => {
    const several = { ...plan, platforms: ['linux/amd64', 'linux/386'] };

    assert.throws(() => checkPlan(dockerDriver, several), { code: 'engine_capability_missing' });
    checkPlan({ ...dockerDriver, multiPlatform: true }, several);
    checkPlan(dockerDriver, plan);
  });
});

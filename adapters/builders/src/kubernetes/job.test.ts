import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Cluster } from '@eve/adapter-kubernetes';
import { emptyPlan } from '../../../../operations/testing/builder-surroundings.ts';
import type { ResolvedPlan } from '../client/plan.ts';
import { buildkitPod } from './buildkit-pod.ts';
import { buildJob, secretOf } from './job.ts';
import { kanikoArguments, kanikoPod } from './kaniko.ts';
import { daemonSettings, networkPolicyOf, podSecurityOf } from './namespace.ts';
import type { KubernetesBuildkitOptions } from './options.ts';
import { jobName, literal } from './place.ts';
import { versionInTag } from './version.ts';

const options: KubernetesBuildkitOptions = {
  cluster: {} as Cluster, // nobody is asked anything here
  namespace: 'builds',
  installation: 'one',
  image: 'moby/buildkit:v0.33.1-rootless',
  workDir: '/tmp/nowhere',
  insecureHosts: ['10.0.0.1:5000'],
};

const plan: ResolvedPlan = {
  ...emptyPlan,
  name: 'brun_01k0000000000000000000000-1-web',
  sourceDir: '/src',
  dockerfile: 'app/Containerfile',
  tags: ['10.0.0.1:5000/shop/web:1'],
  args: { PRICE: '$(HOME) $5' },
  secrets: [{ id: 'KEY', value: 'hunter-7f3a' }],
  logins: [{ host: '10.0.0.1:5000', username: 'someone', password: 'letmein-9c' }],
  limits: { memoryBytes: 2_147_483_648, cpus: 2 },
  ...{ contextPath: '/src/app', dockerfilePath: '/src/app/Containerfile', declaresEpoch: false },
};

const can = {
  ...{ version: '0.33.1', buildkit: '0.33.1', platforms: [], multiPlatform: true, attestations: true },
  ...{ rewriteTimestamps: true, cacheExport: true, limits: true },
};

const podOf = (more: Partial<KubernetesBuildkitOptions> = {}) =>
  buildkitPod(plan, can, { ...options, ...more }, 'settings');
const jobOf = (more: Partial<KubernetesBuildkitOptions> = {}) =>
  buildJob({ ...options, ...more }, 'buildkit', plan, podOf(more));

describe('the Job of a build', () => {
  it('has a name that Kubernetes takes, another one for every plan', () => {
    const names = [plan.name, `${plan.name}-test`, 'x'.repeat(300), 'Ä.B_c-'].map(jobName);

    for (const name of names) assert.match(name, /^[a-z](?:[-a-z0-9]{0,61}[a-z0-9])$/);
    assert.equal(new Set(names).size, names.length);
    assert.ok(
      names.every((name) => name.length <= 58),
      'a pod has some letters more',
    );
  });

  it('is tried once, ends by itself, and runs under an account without a token', () => {
    const { spec } = jobOf({ longestSeconds: 900, keepSeconds: 60 });

    assert.deepEqual([spec.backoffLimit, spec.activeDeadlineSeconds, spec.ttlSecondsAfterFinished], [0, 900, 60]);
    assert.deepEqual(
      [spec.template.spec.serviceAccountName, spec.template.spec.automountServiceAccountToken],
      ['eve-build', false],
    );
  });

  it('is not privileged unless the operator says so', () => {
    const daemons = [podOf(), podOf({ unconfined: true }), podOf({ privileged: true })].map(
      ({ initContainers }) => initContainers[0]?.securityContext,
    );

    assert.deepEqual(daemons[0], { runAsNonRoot: true, runAsUser: 1000, runAsGroup: 1000 });
    assert.equal(daemons[1]?.seccompProfile?.type, 'Unconfined');
    assert.equal(daemons[1]?.privileged, undefined);
    assert.equal(daemons[2]?.privileged, true);
    assert.deepEqual(
      [
        podSecurityOf(options),
        podSecurityOf({ ...options, unconfined: true }),
        podSecurityOf({ ...options, privileged: true }),
      ],
      ['baseline', 'privileged', 'privileged'],
    );
  });

  it('splits the limits over daemon and client, and asks a node for a quarter of it', () => {
    const { initContainers, container } = podOf();

    const daemon = initContainers[0]?.resources;
    assert.deepEqual(daemon?.limits, { memory: String(2_147_483_648 - 128 * 1_048_576), cpu: '1750m' });
    assert.deepEqual(container.resources?.limits, { memory: String(128 * 1_048_576), cpu: '250m' });
    assert.deepEqual(daemon?.requests, { memory: String((2_147_483_648 - 128 * 1_048_576) / 4), cpu: '438m' });
    assert.deepEqual(container.resources?.requests, { memory: String(32 * 1_048_576), cpu: '63m' });
  });

  it('has secrets and logins in its Secret alone, which only the client mounts and which goes with it', () => {
    const job = jobOf();
    const secret = secretOf(plan, options, { ...job, metadata: { ...job.metadata, uid: 'u1' } });

    assert.doesNotMatch(JSON.stringify(job), /hunter|letmein/);
    const [daemon] = job.spec.template.spec.initContainers ?? [];
    assert.ok(!daemon?.volumeMounts?.some(({ name }) => name === 'secrets'));
    assert.deepEqual(Object.keys(secret.data ?? {}).sort(), ['0', 'config.json']);
    assert.equal(Buffer.from(secret.data?.['0'] ?? '', 'base64').toString(), 'hunter-7f3a');
    assert.deepEqual(
      secret.metadata.ownerReferences?.map(({ uid }) => uid),
      ['u1'],
    );
    assert.equal(
      job.spec.template.spec.volumes?.find(({ name }) => name === 'secrets')?.secret?.secretName,
      secret.metadata.name,
    );
  });

  it('hands arguments on as they are: to Kubernetes a variable looks like $(HOME)', () => {
    const { container } = podOf();

    assert.ok(container.args?.includes('--opt=build-arg:PRICE=$$(HOME) $$5'));
    assert.equal(literal('$$'), '$$$$');
  });

  it('tells the daemon of registries without TLS, and gives nobody entitlements', () => {
    const text = daemonSettings({ ...options, mirror: '10.0.0.1:5000' }).data?.['buildkitd.toml'] ?? '';

    assert.match(text, /^insecure-entitlements = \[\]$/m);
    assert.match(text, /\[registry\."10\.0\.0\.1:5000"\]\nhttp = true/);
    assert.match(text, /\[registry\."docker\.io"\]\nmirrors = \["10\.0\.0\.1:5000"\]/);
    assert.notEqual(daemonSettings(options).metadata.name, daemonSettings({ ...options, mirror: 'x:1' }).metadata.name);
  });

  it('may be reached by nobody, and reaches no cloud’s metadata nor what the operator closed', () => {
    const { spec } = networkPolicyOf({ ...options, closedNetworks: ['10.96.0.0/12', 'fd00::/8'] });

    assert.deepEqual([spec.policyTypes, spec.ingress], [['Ingress', 'Egress'], []]);
    const blocks = spec.egress?.flatMap(({ to }) => to ?? []).flatMap(({ ipBlock }) => ipBlock ?? []) ?? [];
    assert.deepEqual(blocks[0], { cidr: '0.0.0.0/0', except: ['169.254.0.0/16', '10.96.0.0/12'] });
    assert.ok(blocks[1]?.except?.includes('fd00::/8'));
  });

  it('knows its engine’s version from the image’s tag where that has one', () => {
    assert.equal(versionInTag('moby/buildkit:v0.33.1-rootless'), '0.33.1');
    assert.equal(versionInTag('10.0.0.1:5000/eve/buildkit:test'), null);
    assert.equal(versionInTag(`moby/buildkit:v0.13@sha256:${'a'.repeat(64)}`), '0.13');
  });
});

describe('the Job of a build with kaniko', () => {
  const own = { ...options, image: 'example/executor:v1.25.5-debug' };
  const without = { ...plan, secrets: [], target: 'web', platforms: ['linux/amd64'] };

  it('gives the executor context, destinations and where the digest goes', () => {
    assert.deepEqual(kanikoArguments(without, own), [
      '--context=dir:///eve/source/tree/context',
      '--dockerfile=/eve/source/tree/dockerfile/Containerfile',
      '--destination=10.0.0.1:5000/shop/web:1',
      '--target=web',
      '--custom-platform=linux/amd64',
      '--build-arg=PRICE=$(HOME) $5',
      '--insecure-registry=10.0.0.1:5000',
      '--digest-file=/dev/termination-log',
      '--log-format=json',
    ]);
    assert.ok(kanikoArguments({ ...without, output: 'none' }, own).includes('--no-push'));
  });

  it('takes the source before the executor starts, which is not privileged', () => {
    const { initContainers, container } = kanikoPod(without, own);

    assert.deepEqual(
      initContainers.map(({ name, restartPolicy }) => [name, restartPolicy]),
      [['source', undefined]],
    );
    assert.deepEqual(container.securityContext, { allowPrivilegeEscalation: false });
    assert.equal(container.command, undefined);
  });

  it('refuses build secrets, which no step would get', () => {
    assert.throws(() => kanikoPod(plan, own), { code: 'engine_capability_missing' });
  });
});

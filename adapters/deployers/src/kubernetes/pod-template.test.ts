import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Service } from '@eve/domain';
import { contractPlace, httpHealth, type ServiceSketch } from '../../../../operations/testing/deployer-target.ts';
import { podTemplate } from './pod-template.ts';

const digest = `sha256:${'a'.repeat(64)}`;
const image = { image: `registry.test/web@${digest}`, local: false, digests: [digest], login: null };
const settings = { installation: 'main', slot: 'blue', ownRegistryHost: 'registry.test' } as const;

function templateOf(more: Partial<Service> = {}, sketch: Partial<ServiceSketch> = {}) {
  const target = contractPlace(image).target({ name: 'web', more, ...sketch });
  const [wanted] = target.services;
  assert.ok(wanted);
  const template = podTemplate(target, wanted, settings);
  const [container] = template.spec.containers;
  assert.ok(container);
  return { target, wanted, template, container };
}

describe('the pod of an instance', () => {
  it('says whose it is and what it was made of', () => {
    const { target, wanted, template, container } = templateOf();

    const { labels, annotations } = template.metadata ?? {};
    assert.deepEqual(labels, {
      'app.kubernetes.io/managed-by': 'eve',
      'app.kubernetes.io/name': 'web',
      'eve.dev/installation': 'main',
      'eve.dev/tenant': 'org_test',
      'eve.dev/project': 'proj_test',
      'eve.dev/environment': target.environment.id,
      'eve.dev/service': 'web',
      'eve.dev/slot': 'blue',
      'eve.dev/hash': wanted.hash.slice(0, 40),
    });
    assert.deepEqual(annotations, {
      'eve.dev/hash': wanted.hash,
      'eve.dev/deploy': target.deployId,
      'eve.dev/revision': '1',
    });
    assert.deepEqual([container.image, container.imagePullPolicy], [image.image, 'IfNotPresent']);
  });

  it('takes the program as Compose means it, every word as it stands', () => {
    const program = (more: Partial<Service>) => {
      const { command, args } = templateOf(more).container;
      return { command, args };
    };

    assert.deepEqual(program({ entrypoint: null, command: null }), { command: undefined, args: undefined });
    assert.deepEqual(program({ entrypoint: null, command: ['a', '$(B) $$'] }), {
      command: undefined,
      args: ['a', '$$(B) $$$$'],
    });
    assert.deepEqual(program({ entrypoint: ['sh', '-c'], command: ['x'] }), {
      command: ['sh', '-c', 'x'],
      args: undefined,
    });
    assert.deepEqual(program({ entrypoint: [], command: ['x'] }), { command: ['x'], args: undefined });
  });

  it('has no rights, and passes "restricted" where its user is no root', () => {
    const security = (user: string | null) => {
      const { template, container } = templateOf({ user });
      return [template.spec.securityContext, container.securityContext];
    };
    const seccompProfile = { type: 'RuntimeDefault' };

    assert.deepEqual(security('1000:1001'), [
      { seccompProfile, runAsNonRoot: true, runAsUser: 1000, runAsGroup: 1001 },
      { allowPrivilegeEscalation: false, capabilities: { drop: ['ALL'] } },
    ]);
    const add = ['CHOWN', 'DAC_OVERRIDE', 'FOWNER', 'KILL', 'NET_BIND_SERVICE', 'SETGID', 'SETUID'];
    const root = { allowPrivilegeEscalation: false, capabilities: { drop: ['ALL'], add } };
    assert.deepEqual(security(null), [{ seccompProfile }, root]);
    assert.deepEqual(security('0'), [{ seccompProfile, runAsUser: 0 }, root]);
    const { spec } = templateOf().template;
    assert.deepEqual([spec.serviceAccountName, spec.automountServiceAccountToken], ['eve-app', false]);
  });

  it('logs in to other registries itself, and to Eve’s by its account', () => {
    const login = (host: string) => ({ host, username: 'u', password: 'p' });
    const pulled = (host: string) =>
      templateOf({}, { image: { login: login(host) } }).template.spec.imagePullSecrets?.map(({ name }) => name);

    assert.equal(pulled('registry.test'), undefined);
    assert.deepEqual(pulled('ghcr.io'), ['eve-registry']);
  });

  it('takes requests for a while after it is told to stop, in addition to the time it has', () => {
    const stops = (more: Partial<Service>, sketch: Partial<ServiceSketch> = {}) => {
      const { template, container } = templateOf({ stopGracePeriodMs: 10_000, ...more }, sketch);
      return [template.spec.terminationGracePeriodSeconds, container.lifecycle?.preStop?.sleep?.seconds];
    };

    assert.deepEqual(stops({}), [13, 3]);
    assert.deepEqual(stops({ preStopMs: 7_500 }), [18, 8]);
    assert.deepEqual(stops({ preStopMs: 0 }), [10, undefined]);
    assert.deepEqual(stops({}, { port: null }), [10, undefined]);
  });

  it('asks for what it may use, mounts its volumes and names all its ports', () => {
    const { template, container } = templateOf({
      user: '1000',
      resources: { memoryBytes: 268_435_456, cpus: 0.5 },
      volumes: [{ name: 'My_Data', path: '/data', readOnly: false }],
      expose: [9_000],
      probes: { live: null, ready: { ...httpHealth, port: 8_081 }, startup: null },
    });

    const asked = { memory: '268435456', cpu: '500m' };
    assert.deepEqual(container.resources, { limits: asked, requests: asked });
    const [volume] = template.spec.volumes ?? [];
    assert.match(volume?.name ?? '', /^my-data-[0-9a-f]{6}$/);
    assert.deepEqual(container.volumeMounts, [{ name: volume?.name, mountPath: '/data' }]);
    assert.equal(template.spec.securityContext?.fsGroup, 1000);
    assert.deepEqual(
      container.ports?.map(({ containerPort }) => containerPort),
      [3_000, 9_000, 8_081],
    );
  });
});

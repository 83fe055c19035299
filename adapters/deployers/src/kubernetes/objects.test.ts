import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { selectedSlots } from '@eve/adapter-kubernetes';
import { defaultUpdate, type Service } from '@eve/domain';
import { contractPlace } from '../../../../operations/testing/deployer-target.ts';
import { configNames, configObjects } from './config-objects.ts';
import { deployment } from './deployment-object.ts';
import { alsoAllowing, networkPolicies, pullLogins, pullSecret, serviceAccount } from './namespace-objects.ts';
import { innerService } from './service-objects.ts';
import { claimName } from './volume-claim.ts';

const image = { image: 'registry.test/web@sha256:1', local: false, digests: [], login: null };
const of = { namespace: 'shop', labels: { 'eve.dev/environment': 'env_1' } };

function wantedOf(more: Partial<Service> = {}, port: number | null = 3_000) {
  const variables = { TOKEN: 'hidden', PLAIN: 'ä' };
  const target = contractPlace(image).target({ name: 'web', more, port, variables, secretNames: ['TOKEN'] });
  const [wanted] = target.services;
  assert.ok(wanted);
  return { target, wanted };
}

describe('the objects of a service', () => {
  it('roll as its update settings say', () => {
    const strategy = (update: Partial<Service['update']>, more: Partial<Service> = {}) => {
      const { target, wanted } = wantedOf({ update: { ...defaultUpdate, ...update }, ...more });
      const settings = { installation: 'main', slot: 'green', ownRegistryHost: null, namespace: 'shop' } as const;
      return deployment(target, wanted, settings).spec.strategy;
    };
    const rolling = (maxSurge: number | string, maxUnavailable: number | string) => ({
      type: 'RollingUpdate',
      rollingUpdate: { maxSurge, maxUnavailable },
    });

    assert.deepEqual(strategy({}), rolling(1, 0));
    assert.deepEqual(strategy({ parallelism: 0 }), rolling('100%', 0));
    assert.deepEqual(strategy({ parallelism: 2, order: 'stop-first' }), rolling(0, 2));
    assert.deepEqual(strategy({}, { volumes: [{ name: 'data', path: '/d', readOnly: false }] }), { type: 'Recreate' });
  });

  it('hold each variable once, secrets apart, under a name that no other deploy has', () => {
    const { target, wanted } = wantedOf();
    const whose = { installation: 'main', namespace: 'shop' };
    const { plain, secret } = configObjects({ ...target, configVersion: 12 }, wanted, whose);

    assert.deepEqual(plain.data, { PORT: '3000', PLAIN: 'ä' });
    assert.deepEqual(secret?.data, { TOKEN: Buffer.from('hidden').toString('base64') });
    assert.deepEqual([plain.immutable, secret?.immutable], [true, true]);
    assert.match(plain.metadata.name, /^web-c12-[0-9a-f]{8}$/);
    assert.notEqual(configNames({ ...target, deployId: 'dep_2' }, wanted).plain, configNames(target, wanted).plain);
  });

  it('have one name for both slots, for one of them or for none', () => {
    const { wanted } = wantedOf({ expose: [9_000] });
    const service = innerService(of, wanted, ['blue', 'green']);

    assert.deepEqual(
      service.spec.ports?.map(({ port }) => port),
      [3_000, 9_000],
    );
    for (const slots of [['blue', 'green'], ['green'], ['blue'], []] as const)
      assert.deepEqual(selectedSlots({ spec: innerService(of, wanted, slots).spec }), slots);
  });
});

describe('the objects of a namespace', () => {
  it('hold a login for each registry, Eve’s own apart', () => {
    const login = (host: string) => ({ login: { host, username: 'eve', password: `of ${host}` } });
    const services = [login('registry.test'), login('ghcr.io'), login('ghcr.io'), { login: null }];

    const { own, others } = pullLogins(services, 'registry.test');
    const secret = pullSecret(of, 'eve-registry', others);

    assert.deepEqual([own.length, others.length], [1, 1]);
    assert.equal(secret.type, 'kubernetes.io/dockerconfigjson');
    const config = JSON.parse(Buffer.from(secret.data?.['.dockerconfigjson'] ?? '', 'base64').toString());
    const auth = Buffer.from('eve:of ghcr.io').toString('base64');
    assert.deepEqual(config, { auths: { 'ghcr.io': { username: 'eve', password: 'of ghcr.io', auth } } });
    assert.deepEqual(serviceAccount(of, true).imagePullSecrets, [{ name: 'eve-pull' }]);
    assert.equal(serviceAccount(of, false).imagePullSecrets, undefined);
  });

  it('let in from outside only what is routed, and the ports of before while those may still serve', () => {
    const routed = wantedOf({ ports: [{ container: 3_000, published: null, protocol: 'http' }] }).wanted;
    const inner = wantedOf({ ports: [], expose: [5_432] }).wanted;
    const [inside, outside, web, ...others] = networkPolicies(of, [
      routed,
      { ...inner, service: { ...inner.service, name: 'db' } },
    ]);
    const [, , before] = networkPolicies(of, [
      wantedOf({ ports: [{ container: 80, published: null, protocol: 'http' }] }).wanted,
    ]);
    assert.ok(inside && outside && web && before);

    const both = alsoAllowing(web, { ...before, metadata: before.metadata });

    assert.deepEqual(inside.spec.ingress, [{ from: [{ podSelector: {} }] }]);
    assert.deepEqual(web.spec.ingress, [{ ports: [{ protocol: 'TCP', port: 3_000 }] }]);
    assert.deepEqual(others, []);
    assert.deepEqual(alsoAllowing(outside, outside), outside);
    const ports = both.spec.ingress?.flatMap((rule) => rule.ports?.map(({ port }) => port) ?? []);
    assert.deepEqual(ports, [3_000, 80]);
    assert.deepEqual(alsoAllowing(web, { ...web, metadata: web.metadata }).spec, web.spec);
  });

  it('close clouds’ metadata to all pods, and leave nothing else out', () => {
    const [, outside] = networkPolicies(of, []);

    assert.deepEqual([outside?.spec.podSelector, outside?.spec.policyTypes], [{}, ['Egress']]);
    const peers = outside?.spec.egress?.flatMap(({ to }) => to ?? []) ?? [];
    assert.deepEqual(peers.slice(0, 2), [
      { namespaceSelector: {} },
      { ipBlock: { cidr: '0.0.0.0/0', except: ['169.254.0.0/16'] } },
    ]);
    assert.ok(peers[2]?.ipBlock?.except?.includes('fd00:ec2::254/128'));
    const elsewhere = outside?.spec.egress?.find(({ to }) => to === undefined);
    assert.deepEqual(
      elsewhere?.ports?.map(({ port }) => port),
      [53, 53],
    );
  });

  it('cannot be replaced by those of a service, whatever it is called', () => {
    const ports = [{ container: 80, published: null, protocol: 'http' as const }];
    const { wanted } = wantedOf({ ports });
    const called = (name: string) => ({ ...wanted, service: { ...wanted.service, name } });

    const names = networkPolicies(of, ['inside', 'outside'].map(called)).map(({ metadata }) => metadata.name);

    assert.equal(new Set(names).size, 4);
  });

  it('call volumes as Kubernetes takes it, no two alike', () => {
    assert.equal(claimName('data'), 'data');
    const names = ['Data', 'da_ta', 'da.ta', '_', 'x'.repeat(80)].map(claimName);
    assert.ok(names.every((name) => /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/.test(name) && name.length <= 63));
    assert.equal(new Set(names).size, names.length);
  });
});

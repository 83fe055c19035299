import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Slot } from '@eve/adapter-kubernetes';
import { type Around, routingObjects } from './routing-objects.ts';
import { backend, route, tableOf } from './sample-table.fixture.ts';
import type { Entrance } from './settings.ts';

const gateway: Entrance = { by: 'gateway', namespace: 'edge', name: 'public' };
const nginx: Entrance = { by: 'ingress', className: 'nginx', nginx: true };
const plain: Entrance = { by: 'ingress', className: 'traefik', nginx: false };

function made(entrance: Entrance, table: ReturnType<typeof tableOf>, around: Partial<Around> = {}) {
  const nothing: Around = { standing: () => null, refused: new Set() };
  const objects = routingObjects(table, { installation: 'here', entrance }, { ...nothing, ...around });
  return {
    ...objects,
    selectors: Object.fromEntries(
      objects.services.map(({ metadata, spec }) => [metadata.name, spec.selector?.['eve.dev/slot'] ?? 'both']),
    ),
  };
}

const stands = (...slots: Slot[]) => ({ standing: () => slots });
const shop = (...backends: ReturnType<typeof backend>[]) => tableOf(1, route('shop-test', 'web', { backends }));

describe('what a routing table asks of a cluster', () => {
  it('an outer Service in the environment’s namespace leads to the slot whose instances serve', () => {
    const objects = made({ by: 'nothing' }, shop(backend('web', 'green'), backend('web', 'blue', 100, 'draining')));

    const [service] = objects.services;
    assert.equal(service?.metadata.name, 'web-public');
    assert.equal(service.metadata.namespace, 'shop-test');
    assert.deepEqual(service.spec.selector, { 'eve.dev/service': 'web', 'eve.dev/slot': 'green' });
    assert.deepEqual(service.spec.ports, [{ name: 'p3000', port: 3000, targetPort: 3000, protocol: 'TCP' }]);
    assert.equal(service.metadata.labels?.['eve.dev/installation'], 'here');
    assert.deepEqual([objects.ingresses, objects.httpRoutes], [[], []]);
  });

  it('all ports of a service are ports of one Service', () => {
    const backends = [backend('web', 'blue')];
    const table = tableOf(
      1,
      route('shop-test', 'web', { backends }),
      route('shop-test', 'web', { backends, containerPort: 9000, protocol: 'tcp', labels: [] }),
    );

    const { services } = made(plain, table);

    assert.deepEqual(
      services.map(({ spec }) => spec.ports?.map(({ port }) => port)),
      [[3000, 9000]],
    );
  });

  it('nothing is made before anything serves, and what was made leads nowhere when nothing serves any more', () => {
    assert.deepEqual(made(plain, shop()).services, []);
    assert.deepEqual(made(plain, shop(), stands('blue')).selectors, { 'web-public': 'none' });
  });

  it('an Ingress of the class has all host names of a route', () => {
    const backends = [backend('web', 'blue')];
    const table = tableOf(1, route('shop-test', 'web', { backends, host: 'www.shop.com' }));

    const [ingress, ...more] = made(plain, table).ingresses;

    assert.deepEqual(more, []);
    assert.equal(ingress?.spec.ingressClassName, 'traefik');
    assert.deepEqual(
      ingress.spec.rules?.map(({ host, http }) => [host, http?.paths.map(({ backend }) => backend.service)]),
      ['web--test--shop.apps.example.com', 'www.shop.com'].map((host) => [
        host,
        [{ name: 'web-public', port: { number: 3000 } }],
      ]),
    );
  });

  it('a host that somebody else has is left out, and only it', () => {
    const backends = [backend('web', 'blue')];
    const table = tableOf(1, route('shop-test', 'web', { backends, host: 'www.shop.com' }));

    const { ingresses } = made(plain, table, { refused: new Set(['www.shop.com']) });

    assert.deepEqual(
      ingresses[0]?.spec.rules?.map(({ host }) => host),
      ['web--test--shop.apps.example.com'],
    );
  });

  it('where weights cannot be kept the instances of both slots answer as many as they are', () => {
    const both = shop(backend('web', 'blue', 90), backend('web', 'green', 10));

    assert.deepEqual(made(plain, both).selectors, { 'web-public': 'both' });
    assert.deepEqual(made({ by: 'nothing' }, both).selectors, { 'web-public': 'both' });
    const unnamed = tableOf(1, { ...route('shop-test', 'web'), labels: [], backends: both.routes[0]?.backends ?? [] });
    assert.deepEqual(made(gateway, unnamed).selectors, { 'web-public': 'both' });
  });

  it('an HTTPRoute divides traffic by weight between the two slots', () => {
    const both = shop(backend('web', 'blue', 90), backend('web', 'green', 10));

    const { httpRoutes, selectors } = made(gateway, both, stands('blue'));

    assert.deepEqual(selectors, { 'web-public-blue': 'blue', 'web-public-green': 'green', 'web-public': 'blue' });
    const [made1] = httpRoutes;
    assert.deepEqual(made1?.spec.hostnames, ['web--test--shop.apps.example.com']);
    assert.deepEqual(made1.spec.parentRefs, [
      { group: 'gateway.networking.k8s.io', kind: 'Gateway', name: 'public', namespace: 'edge' },
    ]);
    assert.deepEqual(
      made1.spec.rules?.[0]?.backendRefs?.map(({ name, port, weight }) => [name, port, weight]),
      [
        ['web-public-blue', 3000, 90],
        ['web-public-green', 3000, 10],
      ],
    );
  });

  it('an HTTPRoute leads to the outer Service alone when nothing is to be divided', () => {
    const { httpRoutes, selectors } = made(gateway, shop(backend('web', 'green')));

    assert.deepEqual(selectors, { 'web-public': 'green' });
    assert.deepEqual(
      httpRoutes[0]?.spec.rules?.[0]?.backendRefs?.map(({ name }) => name),
      ['web-public'],
    );
  });

  it('ingress-nginx gets a second Ingress with the part of what does not stand', () => {
    const both = shop(backend('web', 'blue', 10), backend('web', 'green', 90));

    const { ingresses, selectors } = made(nginx, both, stands('green'));

    assert.equal(selectors['web-public'], 'green');
    const [main, canary] = ingresses;
    assert.deepEqual(main?.metadata.annotations, undefined);
    assert.deepEqual(canary?.metadata.annotations, {
      'nginx.ingress.kubernetes.io/canary': 'true',
      'nginx.ingress.kubernetes.io/canary-weight': '10',
      'nginx.ingress.kubernetes.io/canary-weight-total': '100',
    });
    const backendOf = (ingress: typeof main) => ingress?.spec.rules?.[0]?.http?.paths[0]?.backend.service?.name;
    assert.deepEqual([backendOf(main), backendOf(canary)], ['web-public-green', 'web-public-blue']);
    assert.equal(main?.metadata.name, 'web-3000');
    assert.equal(canary?.metadata.name, 'web-3000-canary');
  });

  it('the outer Service stays where it stands through all steps of a canary', () => {
    const late = shop(backend('web', 'blue', 10), backend('web', 'green', 90));

    assert.equal(made(gateway, late, stands('blue')).selectors['web-public'], 'blue');
    assert.equal(made(gateway, late).selectors['web-public'], 'green');
  });
});

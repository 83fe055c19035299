import assert from 'node:assert/strict';
import { it } from 'node:test';
import type { Service, Wanted } from '@eve/adapter-kubernetes';
import { isAsWanted, stamped } from './difference.ts';

const wanted: Wanted<Service> = {
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name: 'web-public', namespace: 'shop', labels: { a: 'b' } },
  spec: { selector: { 'eve.dev/service': 'web' }, ports: [{ name: 'p', port: 80, targetPort: 80 }] },
};

/** As the API server keeps it. */
function kept(from: Wanted<Service>, spec: Partial<Service['spec']> = {}): Service {
  const { metadata, ...rest } = stamped(from, 4);
  const filled = {
    clusterIP: '10.0.0.9',
    ...rest.spec,
    ports: [{ protocol: 'TCP' as const, ...rest.spec.ports?.[0], port: 80 }],
  };
  return { ...rest, metadata: { ...metadata, uid: '1', resourceVersion: '7' }, spec: { ...filled, ...spec } };
}

it('what the API server fills in is no difference, nor is the table that it is of', () => {
  assert.ok(isAsWanted(kept(wanted), wanted));
});

it('another wish is one, and what somebody changed by hand', () => {
  const narrower = {
    ...wanted,
    spec: { ...wanted.spec, selector: { 'eve.dev/service': 'web', 'eve.dev/slot': 'blue' } },
  };

  assert.ok(!isAsWanted(kept(wanted), narrower));
  assert.ok(!isAsWanted(kept(narrower), wanted));
  assert.ok(!isAsWanted(kept(wanted, { selector: narrower.spec.selector }), wanted));
  assert.ok(!isAsWanted(kept(wanted, { ports: [] }), wanted));
  const unlabelled = kept(wanted);
  assert.ok(!isAsWanted({ ...unlabelled, metadata: { ...unlabelled.metadata, labels: {} } }, wanted));
});

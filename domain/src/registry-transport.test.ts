import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { isInsecureRegistry } from './registry-transport.ts';

describe('the way to a registry', () => {
  for (const host of [
    'localhost',
    'LOCALHOST:5000',
    'eve.localhost',
    '127.0.0.1:5000',
    '127.9.9.9',
    '[::1]:5000',
    'host.docker.internal:5000',
    'registry.eve.svc:5000',
    'registry.eve.svc.cluster.local',
    'k3d-registry.localhost:5000',
    'k3d-registry:5000',
    'eve-registry:5000',
  ]) {
    it(`to ${host} needs no verified TLS`, () => {
      assert.equal(isInsecureRegistry(host, []), true);
    });
  }

  for (const host of ['ghcr.io', '127.0.0.1.example.com', '10.0.0.1:5000', 'localhost.example', 'svc', 'a.svc.example'])
    it(`to ${host} is verified TLS unless the operator says otherwise`, () => {
      assert.equal(isInsecureRegistry(host, []), false);
      assert.equal(isInsecureRegistry(host, ['*']), true);
      assert.equal(isInsecureRegistry(host, [host]), true);
    });

  it('is named for one port or for all of them', () => {
    const named = ['10.0.0.1:5000', 'registry.example'];

    assert.equal(isInsecureRegistry('10.0.0.1:5000', named), true);
    assert.equal(isInsecureRegistry('10.0.0.1:5001', named), false);
    assert.equal(isInsecureRegistry('Registry.example:5001', named), true);
    assert.equal(isInsecureRegistry('a.registry.example', named), false);
  });
});

import assert from 'node:assert/strict';
import { it } from 'node:test';
import type { Service } from '@eve/domain';
import { contractPlace, type ServiceSketch } from '../../../../operations/testing/deployer-target.ts';
import { unsupported } from './unsupported.ts';

const image = { image: 'registry.test/web@sha256:1', local: false, digests: [], login: null };
const servicesOf = (...sketches: ServiceSketch[]): Service[] =>
  contractPlace(image)
    .target(...sketches)
    .services.map(({ service }) => service);

it('what a cluster cannot do is said by name, and nothing else', () => {
  const volumes = [{ name: 'data', path: '/data', readOnly: false }];
  const autoscale = { min: 1, max: 3, cpuPercent: 50, memoryPercent: 50 };

  assert.deepEqual(unsupported(servicesOf({ name: 'web' }, { name: 'api', more: { user: '1000:1000' } })), []);
  const said = unsupported(
    servicesOf(
      { name: 'web' },
      { name: 'web-green' },
      { name: 'a_b' },
      { name: 'db', more: { volumes, replicas: 2 } },
      { name: 'named', more: { user: 'node' } },
      { name: 'empty', more: { entrypoint: [], command: null } },
      { name: 'scaled', more: { autoscale } },
    ),
  );
  assert.deepEqual(
    said.map((text) => text.split(':')[0]),
    [
      'services.web-green',
      'services.a_b',
      'services.db.deploy.replicas',
      'services.named.user',
      'services.empty.entrypoint',
      'services.scaled',
      'services.scaled',
    ],
  );
});

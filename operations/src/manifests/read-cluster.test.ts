import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Service } from '@eve/domain';
import { scriptedDeployer } from '../../testing/scripted-deployer.ts';
import type { Settings } from '../platform.ts';
import { readManifest } from './parse-manifest.ts';
import { runtimeFindings, withoutEffect } from './runtime-features.ts';

const manifest = (lines: string) => `services:\n  web:\n    image: nginx\n${lines.replace(/^/gm, '    ')}\n`;
const read = (lines: string) => readManifest(manifest(lines));

function serviceOf(lines: string): Service {
  const { manifest, errors } = read(lines);
  assert.deepEqual(errors, []);
  const service = manifest?.services.web;
  assert.ok(service);
  return service;
}

const errorOf = (lines: string) =>
  read(lines)
    .errors.map(({ line, message }) => `${line}: ${message}`)
    .join();
const warningsOf = (lines: string) =>
  read(lines)
    .warnings.map(({ message }) => message)
    .join();

describe('what a service asks of a cluster', () => {
  it('is how many instances there may be, and at which use more of them come', () => {
    const { replicas, autoscale } = serviceOf('x-eve: { autoscale: { min: 2, max: 5, cpu: 70, memory: "80%" } }');

    assert.deepEqual([replicas, autoscale], [2, { min: 2, max: 5, cpuPercent: 70, memoryPercent: 80 }]);
    assert.deepEqual(serviceOf('deploy: { replicas: 3 }\nx-eve: { autoscale: { max: 4 } }').autoscale, {
      ...{ min: 3, max: 4, cpuPercent: 80, memoryPercent: null },
    });
    assert.equal(serviceOf('x-eve: { autoscale: { max: 4, memory: 60 } }').autoscale?.cpuPercent, null);
    assert.equal(serviceOf('').autoscale, null);
  });

  it('is refused where its numbers do not fit, and said where one has no effect', () => {
    assert.match(errorOf('x-eve: { autoscale: { min: 2 } }'), /^4: .*`max`/);
    assert.match(errorOf('deploy: { replicas: 3 }\nx-eve: { autoscale: { max: 2 } }'), /^5: `max` is less than the 3/);
    assert.match(errorOf('x-eve: { autoscale: { max: 2, cpu: lots } }'), /`lots` is no percentage/);
    assert.match(errorOf('x-eve: { autoscale: { max: 2, cpu: 0 } }'), /`0` is no percentage/);
    assert.match(warningsOf('deploy: { replicas: 3 }\nx-eve: { autoscale: { min: 1, max: 4 } }'), /3 is the least/);
    assert.match(warningsOf('deploy: { replicas: 0 }\nx-eve: { autoscale: { max: 4 } }'), /without instances/);
  });

  it('is a host of its own for the first port', () => {
    const host = (name: string, ports = '[8000]') => `ports: ${ports}\nx-eve: { ingress: { host: ${name} } }`;

    assert.equal(serviceOf(host('Shop.Example.com')).ingressHost, 'shop.example.com');
    assert.equal(serviceOf('ports: [8000]').ingressHost, null);
    for (const wrong of [
      'shop',
      '"*.example.com"',
      '10.0.0.1',
      '-a.example.com',
      '"a b.example.com"',
      '"a.example.com:80"',
    ])
      assert.match(errorOf(host(wrong)), /is no host name/, wrong);
    assert.match(errorOf(host(`${'a.'.repeat(130)}com`)), /is no host name/);
    assert.match(warningsOf(host('shop.example.com', '["5432/tcp"]')), /none of HTTP/);
    assert.match(warningsOf('x-eve: { ingress: { host: shop.example.com } }'), /none of HTTP/);
  });

  it('is the time in which nobody is sent to an instance any more before it stops', () => {
    assert.equal(serviceOf('x-eve: { pre_stop: 15s }').preStopMs, 15_000);
    assert.equal(serviceOf('').preStopMs, null);
    assert.match(errorOf('x-eve: { pre_stop: soon }'), /`soon` is no duration/);
  });

  it('is named, with its place, where the runtime does not have it', () => {
    const { features } = read('ports: ["80:8000"]\nx-eve: { pre_stop: 5s, autoscale: { max: 2 } }');
    const told = (addresses: 'machine' | 'cluster') =>
      withoutEffect({ addresses }, features).map(({ line, message }) => `${line}: ${message.split(' has')[0]}`);

    assert.deepEqual(told('machine').sort(), ['5: `autoscale`', '5: `pre_stop`']);
    assert.deepEqual(told('cluster'), ['4: The published port']);
  });

  it('is named as well where the deployer cannot do it at all', () => {
    const { manifest, features } = read('deploy: { replicas: 2 }');
    const deployer = scriptedDeployer();
    deployer.unsupported = () => ['services.web.deploy.replicas: one is all that there is'];
    assert.ok(manifest);

    // Only these parts of a platform are looked at.
    const platform = { deployer, settings: { addresses: 'machine' } as Settings };
    assert.deepEqual(runtimeFindings(platform, manifest, features), [
      {
        path: 'services.web.deploy.replicas',
        message: 'This installation cannot deploy it: one is all that there is.',
      },
    ]);
  });
});

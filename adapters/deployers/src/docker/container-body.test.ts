import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { contractPlace, lease, type ServiceSketch } from '../../../../operations/testing/deployer-target.ts';
import { containerBody, publishedPorts } from './container-body.ts';

const place = contractPlace({ image: 'registry/shop@sha256:1', local: false, digests: [], login: null });
const placement = { replica: 1, slot: 7, ports: [[3000, 21_000] as const] };

function bodyOf(sketch: ServiceSketch) {
  const target = place.target(sketch);
  const [wanted] = target.services;
  assert.ok(wanted);
  return { target, wanted, body: containerBody(target, wanted, placement, { installation: 'one', lease }) };
}

describe('the body of a container', () => {
  it('publishes on the loopback interface only, on the port that was chosen', () => {
    const { body } = bodyOf({ name: 'web' });

    const { PortBindings } = body.HostConfig as { PortBindings: unknown }; // Written above as an object.
    assert.deepEqual(PortBindings, { '3000/tcp': [{ HostIp: '127.0.0.1', HostPort: '21000' }] });
  });

  it('sets PORT unless the service has its own', () => {
    assert.deepEqual(bodyOf({ name: 'web' }).body.Env, ['PORT=3000']);
    assert.deepEqual(bodyOf({ name: 'web', variables: { PORT: '81' } }).body.Env, ['PORT=81']);
    assert.deepEqual(bodyOf({ name: 'worker', port: null }).body.Env, []);
  });

  it('puts no value of a variable into a label', () => {
    const { body } = bodyOf({ name: 'web', variables: { PASSWORD: 'a-secret-value' } });

    assert.ok(!JSON.stringify(body.Labels).includes('a-secret-value'));
  });

  it('names volumes after the place and carries limits and grace over', () => {
    const more = {
      volumes: [{ name: 'data', path: '/data', readOnly: true }],
      resources: { memoryBytes: 1 << 28, cpus: 0.5 },
      stopGracePeriodMs: 1_500,
    };
    const { body, target } = bodyOf({ name: 'db', more });

    const host = body.HostConfig as Record<string, unknown>; // Written above as an object.
    assert.deepEqual(host.Mounts, [
      { Type: 'volume', Source: `${target.place}--data`, Target: '/data', ReadOnly: true },
    ]);
    assert.deepEqual([host.Memory, host.MemorySwap, host.NanoCpus, body.StopTimeout], [1 << 28, 1 << 28, 5e8, 2]);
  });

  it('lets the engine bring back what exited, and not what was halted', () => {
    const policies = (['always', 'on-failure', 'no'] as const).map((restart) => {
      const host = bodyOf({ name: 'web', more: { restart } }).body.HostConfig as Record<string, unknown>; // As above.
      return host.RestartPolicy;
    });

    assert.deepEqual(policies, [{ Name: 'unless-stopped' }, { Name: 'on-failure' }, { Name: 'no' }]);
  });

  it('publishes what is probed as well as what is routed', () => {
    const check = { path: '/', port: 9000, intervalMs: 1, timeoutMs: 1, retries: 1, startPeriodMs: 0 };
    const { wanted } = bodyOf({ name: 'web', more: { probes: { live: null, ready: check, startup: null } } });

    assert.deepEqual(publishedPorts(wanted), [3000, 9000]);
  });
});

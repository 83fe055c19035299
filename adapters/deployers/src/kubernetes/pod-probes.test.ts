import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Service } from '@eve/domain';
import { contractPlace, httpHealth } from '../../../../operations/testing/deployer-target.ts';
import { podProbes } from './pod-probes.ts';

const none = { live: null, ready: null, startup: null };
const image = { image: 'registry.test/web@sha256:1', local: false, digests: [], login: null };

function probesOf(more: Partial<Service>, port: number | null = 3_000) {
  const [wanted] = contractPlace(image).target({ name: 'web', more, port }).services;
  assert.ok(wanted);
  return podProbes(wanted);
}

describe('the probes of a pod', () => {
  it('ask for readiness as often as the manifest says, and once a second while it starts', () => {
    const ready = { ...httpHealth, intervalMs: 10_000, timeoutMs: 1_500, retries: 3, startPeriodMs: 200_000 };
    const { startupProbe, readinessProbe, livenessProbe } = probesOf({ probes: { ...none, ready } });

    const httpGet = { path: '/health', port: 3_000, httpHeaders: [{ name: 'Host', value: 'localhost' }] };
    assert.deepEqual(readinessProbe, { httpGet, periodSeconds: 10, timeoutSeconds: 2, failureThreshold: 3 });
    assert.deepEqual(startupProbe, { httpGet, periodSeconds: 1, timeoutSeconds: 2, failureThreshold: 470 });
    assert.equal(livenessProbe, undefined);
  });

  it('have what each is meant for where the manifest has all three', () => {
    const at = (path: string) => ({ ...httpHealth, path });
    const all = probesOf({ probes: { live: at('/live'), ready: at('/ready'), startup: at('/started') } });

    assert.deepEqual(
      [all.startupProbe, all.readinessProbe, all.livenessProbe].map((probe) => probe?.httpGet?.path),
      ['/started', '/ready', '/live'],
    );
  });

  it('fall back to the health check, then to the port, then to nothing', () => {
    const times = { intervalMs: 30_000, timeoutMs: 3_000, retries: 3, startPeriodMs: 0 };
    const healthcheck = { test: { shell: true, command: ['curl -f localhost'] }, ...times };

    const checked = probesOf({ probes: none, healthcheck });
    const port = probesOf({ probes: none });

    assert.deepEqual(checked.readinessProbe?.exec, { command: ['/bin/sh', '-c', 'curl -f localhost'] });
    assert.equal(checked.startupProbe?.periodSeconds, 1);
    assert.deepEqual(port.readinessProbe?.tcpSocket, { port: 3_000 });
    assert.deepEqual(probesOf({ probes: none }, null), {});
  });
});

import assert from 'node:assert/strict';
import { it } from 'node:test';
import { failedProbes } from './probe-events.ts';
import { podWith, running, told } from './recorded-pods.fixture.ts';

const details = (probe: object, ...messages: readonly string[]) =>
  failedProbes(
    podWith(running, { container: probe }),
    messages.map((message) => told('Unhealthy', message)),
  ).map(({ detail }) => detail);

it('probes that failed read as those of every deployer do', () => {
  const http = { readinessProbe: { httpGet: { path: '/health', port: 3000 } } };
  const get = 'Readiness probe failed: Get "http://10.244.0.18:3000/health": ';

  assert.deepEqual(
    details(
      http,
      'Readiness probe failed: HTTP probe failed with statuscode: 503',
      `${get}dial tcp 10.244.0.18:3000: connect: connection refused`,
      `${get}context deadline exceeded (Client.Timeout exceeded while awaiting headers)`,
      `${get}EOF`,
      `${get}tls: first record does not look like a TLS handshake`,
    ),
    [
      'GET /health: 503',
      'GET /health: refused',
      'GET /health: no answer in time',
      'GET /health: closed without an answer',
      'GET /health: tls: first record does not look like a TLS handshake',
    ],
  );
  assert.deepEqual(
    details(
      { startupProbe: { tcpSocket: { port: 5432 } } },
      'Startup probe failed: dial tcp 10.0.0.1:5432: connect: connection refused',
    ),
    ['connect port 5432: refused'],
  );
  assert.deepEqual(
    details(
      { livenessProbe: { exec: { command: ['check'] } } },
      'Liveness probe failed: pg_isready: no response\nsecond line',
      'Liveness probe failed: command "check" timed out',
    ),
    ['health check failed: pg_isready: no response\nsecond line', 'health check: no answer in time'],
  );
});

it('an answer that repeats is told with its first and its last time', () => {
  const probe = { readinessProbe: { httpGet: { path: '/', port: 80 } } };
  const times = { firstTimestamp: '2026-11-21T21:14:45Z', lastTimestamp: '2026-11-21T21:15:02Z', count: 18 };

  const failed = failedProbes(podWith(running, { container: probe }), [
    told('Unhealthy', 'Readiness probe failed: HTTP probe failed with statuscode: 500', times),
    told('BackOff', 'Back-off restarting failed container'),
  ]);

  assert.deepEqual(
    failed.map(({ at, probe: name }) => [at.toISOString(), name]),
    [
      ['2026-11-21T21:14:45.000Z', 'readiness'],
      ['2026-11-21T21:15:02.000Z', 'readiness'],
    ],
  );
});

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Manifest, Service } from './manifest.ts';
import { manifestDifferences } from './manifest-difference.ts';
import { packageDifferences } from './package-difference.ts';
import { defaultUpdate } from './strategy.ts';

const web: Service = {
  name: 'web',
  image: 'acme/web:1',
  build: null,
  command: null,
  entrypoint: null,
  user: null,
  workingDir: null,
  environment: { GREETING: 'hello' },
  ports: [{ container: 8000, published: null, protocol: 'http' }],
  expose: [],
  healthcheck: null,
  probes: { live: null, ready: null, startup: null },
  dependsOn: [],
  replicas: 1,
  autoscale: null,
  preStopMs: null,
  ingressHost: null,
  update: defaultUpdate,
  releaseCommand: null,
  resources: { memoryBytes: null, cpus: null },
  stopGracePeriodMs: 10_000,
  restart: 'unless-stopped',
  volumes: [],
  role: 'component',
};
const manifestOf = (...services: Service[]): Manifest => ({
  name: null,
  registry: { mode: 'eve' },
  services: Object.fromEntries(services.map((service) => [service.name, service])),
  environments: {},
  pipelines: {},
  strategy: null,
});
const times = { intervalMs: 5000, timeoutMs: 1500, retries: 3, startPeriodMs: 20_000 };

describe('the difference of two manifests', () => {
  it('is nothing between equal ones', () => {
    assert.deepEqual(manifestDifferences(manifestOf(web), manifestOf({ ...web })), []);
  });

  it('is told in the words in which manifests are written', () => {
    const now: Service = {
      ...web,
      image: 'acme/web:2',
      command: ['node', 'a b.js'],
      ports: [{ container: 8000, published: 80, protocol: 'tcp' }],
      probes: { ...web.probes, ready: { path: '/ready', port: 9000, ...times } },
      dependsOn: [{ service: 'db', condition: 'healthy' }],
      releaseCommand: { shell: false, command: ['migrate'], timeoutMs: 60_000 },
      resources: { memoryBytes: 268_435_456, cpus: 0.5 },
      stopGracePeriodMs: 1500,
      volumes: [{ name: 'data', path: '/data', readOnly: true }],
      update: { ...defaultUpdate, delayMs: 5000 },
    };

    const found = manifestDifferences(manifestOf(web), manifestOf(now));

    assert.deepEqual(
      found.map(({ service, what, before, after }) => `${service} ${what}: ${before} → ${after}`),
      [
        'web image: acme/web:1 → acme/web:2',
        'web command: null → node "a b.js"',
        'web ports: 8000/http → 80:8000/tcp',
        'web ready check: null → GET /ready on 9000 every 5s, timeout 1500ms, 3 retries, start period 20s',
        'web depends on: null → db (healthy)',
        'web update.delay: 0s → 5s',
        'web release command: null → migrate (timeout 60s)',
        'web memory: null → 256 MiB',
        'web cpus: null → 0.5',
        'web stop grace period: 10s → 1500ms',
        'web volumes: null → data:/data:ro',
      ],
    );
  });

  it('names services that came and went, and what belongs to none', () => {
    const jobs: Service = { ...web, name: 'jobs', image: null, role: 'worker' };
    const now = { ...manifestOf(jobs), strategy: { kind: 'rolling' } } as const;

    assert.deepEqual(manifestDifferences(manifestOf(web), now), [
      { service: 'jobs', what: 'service', before: null, after: 'worker, no image' },
      { service: 'web', what: 'service', before: 'component, acme/web:1', after: null },
      { service: null, what: 'strategy', before: null, after: '{"kind":"rolling"}' },
    ]);
  });
});

describe('the difference of two lists of packages', () => {
  it('has all versions of a package, and nothing that stayed', () => {
    const then = [
      { name: 'a', version: '1' },
      { name: 'b', version: '1' },
      { name: 'b', version: '1' },
      { name: 'c', version: '1' },
    ];
    const now = [
      { name: 'b', version: '2' },
      { name: 'b', version: '1' },
      { name: 'c', version: '1' },
    ];

    assert.deepEqual(packageDifferences(then, now), [
      { name: 'a', before: '1', after: null },
      { name: 'b', before: '1', after: '1, 2' },
    ]);
  });
});

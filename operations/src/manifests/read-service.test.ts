import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Manifest, Service } from '@eve/domain';
import { parseManifest } from './parse-manifest.ts';

function manifestOf(yaml: string): Manifest {
  const { manifest, errors } = parseManifest(yaml);
  assert.deepEqual(errors, []);
  assert.ok(manifest);
  return manifest;
}

/** The only service of a manifest whose service `web` has these lines. */
function serviceOf(lines: string): Service {
  return manifestOf(withService(lines)).services.web as Service;
}

function withService(lines: string): string {
  return `services:\n  web:\n    image: nginx\n${lines.replace(/^/gm, '    ')}\n`;
}

function errorsOf(yaml: string): string[] {
  return parseManifest(yaml).errors.map(({ path, line, column, message }) => `${line}:${column} ${path}: ${message}`);
}

function warningsOf(yaml: string): string[] {
  return parseManifest(yaml).warnings.map(({ path, line, message }) => `${line} ${path}: ${message}`);
}

describe('the forms of a service', () => {
  it('take environments as a map and as a list, numbers and booleans as written', () => {
    assert.deepEqual(serviceOf('environment: { A: 1.50, B: true, C: "", D: x }').environment, {
      A: '1.50',
      B: 'true',
      C: '',
      D: 'x',
    });
    assert.deepEqual(serviceOf('environment: [ "A=1=2", "B=", "C=d e" ]').environment, { A: '1=2', B: '', C: 'd e' });
  });

  for (const [text, expected] of [
    ['8080', { container: 8080, published: null, protocol: 'http' }],
    ['"8080"', { container: 8080, published: null, protocol: 'http' }],
    ['"80:3000"', { container: 3000, published: 80, protocol: 'http' }],
    ['"127.0.0.1:80:3000"', { container: 3000, published: 80, protocol: 'http' }],
    ['"127.0.0.1::3000"', { container: 3000, published: null, protocol: 'http' }],
    ['"[::1]:80:3000"', { container: 3000, published: 80, protocol: 'http' }],
    ['"5432:5432/tcp"', { container: 5432, published: 5432, protocol: 'tcp' }],
    ['{ target: 80 }', { container: 80, published: null, protocol: 'http' }],
    [
      '{ target: 25, published: "2525", app_protocol: tcp, protocol: tcp }',
      { container: 25, published: 2525, protocol: 'tcp' },
    ],
    ['{ target: 80, published: 8080, app_protocol: http }', { container: 80, published: 8080, protocol: 'http' }],
  ] as const) {
    it(`take the port ${text}`, () => {
      assert.deepEqual(serviceOf(`ports: [ ${text} ]`).ports, [expected]);
    });
  }

  for (const text of [
    '"3000-3005"',
    '"53/udp"',
    '70000',
    '0',
    'web',
    '{ published: 8080 }',
    '"127.0.0.1:3000"',
    '{ target: 53, protocol: udp }',
  ]) {
    it(`refuse the port ${text}`, () => {
      assert.match(errorsOf(withService(`ports: [ ${text} ]`)).join(), /^4:\d+ services\.web\.ports\[0\]/);
    });
  }

  for (const [text, expected] of [
    ['node "my app.js" --x=\'a b\' c\\ d', ['node', 'my app.js', '--x=a b', 'c d']],
    ['[ "node", 1 ]', ['node', '1']],
    ["''", []],
    [`echo "$$HOME" $HOME \${secret.X} $$$$`, ['echo', '$HOME', '$HOME', `\${secret.X}`, '$$']],
    ['[ sh, -c, "echo $$HOME $HOME" ]', ['sh', '-c', 'echo $HOME $HOME']],
  ] as const) {
    it(`take the command ${text}`, () => {
      assert.deepEqual(serviceOf(`command: ${text}`).command, expected);
      assert.deepEqual(serviceOf(`entrypoint: ${text}`).entrypoint, expected);
    });
  }

  for (const [text, expected] of [
    ['curl -f http://x', { shell: true, command: ['curl -f http://x'] }],
    ['[ "CMD", "curl", "-f" ]', { shell: false, command: ['curl', '-f'] }],
    ['[ "CMD-SHELL", "a || b" ]', { shell: true, command: ['a || b'] }],
    ['test $$A = $B', { shell: true, command: ['test $A = $B'] }],
    ['[ "CMD-SHELL", "test $$A = $B" ]', { shell: true, command: ['test $A = $B'] }],
  ] as const) {
    it(`take the check ${text}`, () => {
      assert.deepEqual(serviceOf(`healthcheck: { test: ${text}, interval: 1m30s, retries: "5" }`).healthcheck, {
        test: expected,
        intervalMs: 90_000,
        timeoutMs: 30_000,
        retries: 5,
        startPeriodMs: 0,
      });
    });
  }

  it('take a check that is switched off', () => {
    assert.equal(serviceOf('healthcheck: { test: [ NONE ] }').healthcheck, null);
    assert.equal(serviceOf('healthcheck: { disable: true }').healthcheck, null);
  });

  it('take dependencies as a list and as a map with both words for a condition', () => {
    const yaml = (on: string) =>
      `services: { db: { image: a }, mq: { image: b }, api: { image: c, depends_on: ${on} } }`;

    assert.deepEqual(manifestOf(yaml('[ db ]')).services.api?.dependsOn, [{ service: 'db', condition: 'started' }]);
    assert.deepEqual(
      manifestOf(yaml('{ db: { condition: service_healthy }, mq: { condition: started } }')).services.api?.dependsOn,
      [
        { service: 'db', condition: 'healthy' },
        { service: 'mq', condition: 'started' },
      ],
    );
    assert.match(
      errorsOf(yaml('{ db: { condition: service_completed_successfully } }')).join(),
      /service_completed_successfully is not supported/,
    );
  });

  it('take named volumes in both forms and refuse directories by name', () => {
    const mounts = serviceOf(
      'volumes: [ "data:/var/lib/data", "conf:/etc/x:ro", { type: volume, source: log, target: /log, read_only: true } ]',
    ).volumes;

    assert.deepEqual(mounts, [
      { name: 'data', path: '/var/lib/data', readOnly: false },
      { name: 'conf', path: '/etc/x', readOnly: true },
      { name: 'log', path: '/log', readOnly: true },
    ]);
    for (const text of [
      '".:/app:ro"',
      '"/srv/data:/data"',
      '"~/x:/x"',
      '{ type: bind, source: ./src, target: /src }',
    ]) {
      assert.match(errorsOf(withService(`volumes: [ ${text} ]`)).join(), /directory of the machine/);
    }
    assert.match(errorsOf(withService('volumes: [ /data ]')).join(), /has no name/);
    assert.match(warningsOf(withService('volumes: [ "data:/d" ]')).join(), /`data` is not declared/);
    assert.deepEqual(warningsOf(`${withService('volumes: [ "data:/d" ]')}volumes: { data: }\n`), []);
  });

  it('take replicas, limits, grace period and restart', () => {
    const service = serviceOf(`deploy:
  replicas: 3
  resources:
    limits: { memory: 512M, cpus: "0.5" }
    reservations: { memory: 64m }
stop_grace_period: 1m
restart: on-failure:5
user: 1000
x_eve: { role: worker }`);

    assert.deepEqual(
      [service.replicas, service.resources, service.stopGracePeriodMs, service.restart, service.user, service.role],
      [3, { memoryBytes: 512 * 1024 ** 2, cpus: 0.5 }, 60_000, 'on-failure', '1000', 'worker'],
    );
  });

  it('take probes and ingress under x-eve', () => {
    const service = serviceOf(`ports: [ 9000, 8080 ]
x-eve:
  probes: { ready: { path: /health, port: 8080, interval: 1s }, live: { path: /live } }
  ingress: { public: true, port: 8080 }`);

    assert.deepEqual(service.probes.ready, {
      path: '/health',
      port: 8080,
      intervalMs: 1000,
      timeoutMs: 3000,
      retries: 3,
      startPeriodMs: 30_000,
    });
    assert.equal(service.probes.startup, null);
    assert.deepEqual(
      service.ports.map(({ container }) => container),
      [8080, 9000],
    );
    assert.deepEqual(serviceOf('ports: [ 9000 ]\nx-eve: { ingress: { public: false } }').expose, [9000]);
  });
});

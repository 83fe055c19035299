import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { manifestFromCompose, manifestFromDockerfile } from './init-manifest.ts';
import { parseManifest } from './parse-manifest.ts';

function read(yaml: string) {
  const { manifest, errors, warnings } = parseManifest(yaml);
  assert.deepEqual({ errors, warnings }, { errors: [], warnings: [] });
  assert.ok(manifest);
  return manifest;
}

describe('a manifest from a Dockerfile', () => {
  it('builds it, with the ports that its last stage exposes', () => {
    const text =
      'FROM node AS build\nEXPOSE 1\nFROM node\nARG P=3000\nEXPOSE \\\n  $P 9229/tcp 53/udp\nHEALTHCHECK CMD true\n';

    const { yaml, notes } = manifestFromDockerfile({ project: 'My Shop', path: './apps/api/Dockerfile', text });

    const manifest = read(yaml);
    assert.equal(manifest.name, 'my-shop');
    assert.deepEqual(
      manifest.services.api?.ports.map(({ container }) => container),
      [3000, 9229],
    );
    assert.equal(manifest.services.api?.build?.dockerfile, 'apps/api/Dockerfile');
    assert.equal(manifest.environments.test?.pipeline, 'deploy');
    assert.deepEqual(
      manifest.pipelines.deploy?.steps.map(({ action }) => action),
      ['build', 'release', 'deploy'],
    );
    assert.deepEqual(notes, []);
  });

  it('says what it had to guess', () => {
    const { yaml, notes } = manifestFromDockerfile({ project: '123', path: 'Dockerfile.prod', text: 'FROM scratch\n' });

    const { services } = read(yaml);
    assert.deepEqual(services.web?.build?.dockerfile, 'Dockerfile.prod');
    assert.equal(services.web?.ports[0]?.container, 8080);
    assert.match(notes.join('\n'), /no EXPOSE[\s\S]*no HEALTHCHECK/);
  });
});

describe('a manifest from a Compose file', () => {
  const compose = `
version: "3.8"
x-common: &common { restart: always }
services:
  App:
    <<: *common
    build: { context: ., dockerfile: Dockerfile }
    environment:
      - DATABASE_URL=postgresql://postgres:\${DB_PASSWORD}@db:5432/\${DB_NAME:-myapp}
      - TOKEN
      - PRICE=$$5
    ports: ["\${PORT:-8000}:8000"]
    container_name: app
    networks: [back]
    depends_on: { db: { condition: service_healthy }, seed: { condition: service_completed_successfully } }
    volumes: [ ".:/app:ro", "/cache" ]
  db:
    image: postgres:\${PG:-15}
    volumes: [ "postgres_data:/var/lib/postgresql/data" ]
    healthcheck: { test: ["CMD-SHELL", "pg_isready -U postgres"], interval: 5s }
  seed: { image: busybox, profiles: [tools] }
volumes: { postgres_data: }
networks: { back: }
`;

  it('keeps what Eve does and says what it left out', () => {
    const { yaml, notes } = manifestFromCompose({ project: 'shop', text: compose });

    const { app, db, seed } = read(yaml).services;
    const said = notes.join('\n');
    assert.deepEqual(app?.environment, {
      DATABASE_URL: `postgresql://postgres:\${secret.DB_PASSWORD}@db:5432/myapp`,
      TOKEN: `\${secret.TOKEN}`,
      PRICE: '$5',
    });
    assert.deepEqual(app?.ports, [{ container: 8000, published: 8000, protocol: 'http' }]);
    assert.deepEqual(app?.volumes, [{ name: 'App-cache', path: '/cache', readOnly: false }]);
    assert.equal(app?.restart, 'always');
    assert.equal(db?.image, 'postgres:15');
    assert.deepEqual(db?.volumes, [{ name: 'postgres_data', path: '/var/lib/postgresql/data', readOnly: false }]);
    assert.equal(seed?.role, 'job');
    for (const part of [
      'Service App is named app',
      'eve secrets set TOKEN',
      '`networks` is left out',
      'directory . is not mounted',
      'not to end',
    ]) {
      assert.ok(said.includes(part), `${part} is missing in:\n${said}`);
    }
  });

  it('is refused with its line when the file is none', () => {
    assert.throws(() => manifestFromCompose({ project: 'x', text: 'services:\n\ta: 1\n' }), {
      code: 'manifest_invalid',
    });
    assert.throws(() => manifestFromCompose({ project: 'x', text: 'name: x' }), /has no `services`/);
    assert.throws(() => manifestFromCompose({ project: 'x', text: 'services: *a' }), { code: 'manifest_invalid' });
  });
});

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { describe, it } from 'node:test';
import { defaultUpdate, type EnvironmentSetting, type Manifest } from '@eve/domain';
import { parseManifest, readManifest } from './parse-manifest.ts';

function manifestOf(yaml: string): Manifest {
  const { manifest, errors } = parseManifest(yaml);
  assert.deepEqual(errors, []);
  assert.ok(manifest);
  return manifest;
}

const untold: EnvironmentSetting = {
  name: '',
  pipeline: null,
  pipelineInputs: {},
  approval: null,
  autoDeploy: null,
  strategy: null,
  drift: null,
  autoRollback: null,
  stabiliseMs: null,
  kind: 'persistent',
  environment: {},
};

function warningsOf(yaml: string): string[] {
  return parseManifest(yaml).warnings.map(({ path, line, message }) => `${line} ${path}: ${message}`);
}

describe('a manifest', () => {
  it('is read with every default when it has one service that is built', () => {
    const { services, environments, pipelines, ...rest } = manifestOf(
      'services:\n  api:\n    build:\n      context: ./apps/api\n',
    );

    assert.deepEqual(rest, { registry: { mode: 'eve' }, name: null, strategy: null });
    assert.deepEqual([environments, pipelines].map(Object.keys), [[], []]);
    assert.deepEqual(services.api, {
      name: 'api',
      image: null,
      build: {
        context: 'apps/api',
        dockerfile: 'apps/api/Dockerfile',
        target: null,
        args: {},
        platforms: [],
        secrets: [],
        timeoutMs: null,
        test: null,
        resources: { memoryBytes: null, cpus: null },
      },
      command: null,
      entrypoint: null,
      user: null,
      workingDir: null,
      environment: {},
      ports: [],
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
    });
  });

  it('has the hash of its exact bytes', () => {
    const text = 'services: { a: { image: "é" } }\n';
    const hash = (value: string) => createHash('sha256').update(Buffer.from(value)).digest('hex');

    assert.equal(parseManifest(text).hash, hash(text));
    assert.notEqual(parseManifest(`${text}\n`).hash, hash(text));
  });

  it('may have pipelines whose deploy step names an environment that no section lists', () => {
    const yaml = `
services: { api: { build: ./api } }
pipelines:
  deploy:
    steps:
      - name: build
        action: { type: build }
      - name: release
        depends_on: [build]
        action: { type: release }
      - name: deploy
        depends_on: [release]
        action: { type: deploy, env_name: staging }
`;

    assert.deepEqual(manifestOf(yaml).pipelines.deploy?.steps, [
      { name: 'build', dependsOn: [], action: 'build', envName: null, inputs: {} },
      { name: 'release', dependsOn: ['build'], action: 'release', envName: null, inputs: {} },
      { name: 'deploy', dependsOn: ['release'], action: 'deploy', envName: 'staging', inputs: {} },
    ]);
    assert.deepEqual(warningsOf(yaml), []);
  });

  it('takes inputs of a step from every place where they may stand', () => {
    const yaml = `
pipelines:
  p:
    env: test
    steps:
      - action: { type: build, force_rebuild: true, with: { tag: x } }
        inputs: { services: [api, 1] }
      - { action: deploy, depends_on: step-1 }
`;

    assert.deepEqual(manifestOf(yaml).pipelines.p?.steps, [
      {
        name: 'step-1',
        dependsOn: [],
        action: 'build',
        envName: null,
        inputs: { services: ['api', 1], tag: 'x', force_rebuild: true },
      },
      { name: 'step-2', dependsOn: ['step-1'], action: 'deploy', envName: 'test', inputs: {} },
    ]);
  });

  it('reads environments with approval, kind and overrides', () => {
    const yaml = `
services: { api: { image: nginx } }
environments:
  test:
  staging: { pipeline: ship, pipeline_inputs: { tag: a }, approval: required }
  pr: { kind: preview, overrides: { services: { api: { environment: { LEVEL: 3 } } } } }
pipelines: { ship: { steps: [ { action: build }, { action: deploy } ] } }
`;

    assert.deepEqual(
      { ...manifestOf(yaml).environments },
      {
        test: { ...untold, name: 'test' },
        staging: { ...untold, name: 'staging', pipeline: 'ship', pipelineInputs: { tag: 'a' }, approval: true },
        pr: { ...untold, name: 'pr', kind: 'temporary', environment: { api: { LEVEL: '3' } } },
      },
    );
    assert.deepEqual(warningsOf(yaml), []);
  });

  it('has nothing that it does not name, whatever the name', () => {
    const { services, environments, pipelines } = manifestOf('services: { api: { image: nginx } }');

    for (const record of [services, environments, pipelines])
      for (const name of ['constructor', 'toString', '__proto__']) assert.equal(record[name], undefined);
  });

  it('names the secrets that its values, builds and registry need', () => {
    const yaml = `
registry: { host: ghcr.io, auth: { token_secret: GHCR } }
services:
  api:
    build: { context: ., secrets: [NPM, { source: PIP }] }
    environment: [ "URL=postgres://u:\${secret.DB}@db" ]
environments: { test: { overrides: { services: { api: { environment: { A: "\${secret.OVER}" } } } } } }
x-eve: { requires: { secrets: [MORE] } }
`;

    assert.deepEqual(readManifest(yaml).secretNames, ['DB', 'GHCR', 'MORE', 'NPM', 'OVER', 'PIP']);
  });

  it('follows anchors and merge keys, own keys winning', () => {
    const yaml = `
x-base: &base { image: nginx, environment: { A: 1 }, user: 7 }
services:
  a: { <<: *base, user: 8 }
  b: *base
`;

    const { a, b } = manifestOf(yaml).services;

    assert.deepEqual([a?.user, a?.environment, b?.user], ['8', { A: '1' }, '7']);
  });
});

describe('the registry', () => {
  for (const [text, expected] of [
    ['"eve"', { mode: 'eve' }],
    ['none', { mode: 'none' }],
    ['', { mode: 'eve' }],
    [
      '{ host: localhost:5000 }',
      {
        mode: 'own',
        host: 'localhost:5000',
        namespace: null,
        usernameSecret: 'REGISTRY_USERNAME',
        tokenSecret: 'REGISTRY_PASSWORD',
      },
    ],
    [
      '{ host: public.ecr.aws/w7c4v0w3, namespace: myorg, auth: { username_secret: U, token_secret: T } }',
      { mode: 'own', host: 'public.ecr.aws/w7c4v0w3', namespace: 'myorg', usernameSecret: 'U', tokenSecret: 'T' },
    ],
    [
      '{ host: Registry-1.docker.io/, auth: { username_secret: U, token_secret: T } }',
      { mode: 'own', host: 'docker.io', namespace: null, usernameSecret: 'U', tokenSecret: 'T' },
    ],
  ] as const) {
    it(`is read from ${text || 'nothing'}`, () => {
      assert.deepEqual(manifestOf(`registry: ${text}\nservices: { a: { image: a } }`).registry, expected);
    });
  }

  it('needs an image beside a build when there is none: said by a sync, refused by validation', () => {
    const yaml = 'registry: none\nservices:\n  api: { build: . }\n';

    const { manifest, errors, incoherences } = readManifest(yaml);

    assert.ok(manifest);
    assert.deepEqual(errors, []);
    assert.match(incoherences[0]?.message ?? '', /`api` has `build` but no `image`/);
    assert.equal(
      readManifest('registry: none\nservices: { api: { build: ., image: acme/api } }').incoherences.length,
      0,
    );
  });
});

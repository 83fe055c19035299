import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { parseManifest } from '../manifests/parse-manifest.ts';
import { deployTarget, type RevisionParts } from './deploy-target.ts';

const yaml = `services:
  web:
    image: acme/web:1
    command: node server.js
    environment: { GREETING: hello, TOKEN: "\${secret.TOKEN}", COST: "$\${secret.TOKEN}" }
    ports: ["8000", "80:9000"]
    deploy: { replicas: 2, resources: { limits: { memory: 64M, cpus: 0.5 } } }
    healthcheck: { test: curl localhost, interval: 5s }
    volumes: ["data:/data:ro"]
    x-eve: { release_command: migrate, probes: { ready: { path: /health } } }
volumes: { data: {} }
`;

/** What a target of this manifest says of its one service. */
function targetOf(text: string) {
  const { manifest } = parseManifest(text);
  assert.ok(manifest);
  // Only what a target is made of.
  const parts = {
    deploy: { id: 'dep_1' },
    environment: { id: 'env_01k00000000000000000000000', name: 'test', tenantId: 'org_1', projectId: 'proj_1' },
    revision: { id: 'rev_1', number: 1 },
    release: {
      ...{ id: 'rel_1', local: false, tag: null, version: '1.2.0', gitSha: 'a'.repeat(40), createdAt: new Date(0) },
      images: {
        web: {
          image: { registry: 'docker.io', repository: 'acme/web' },
          ...{ digest: `sha256:${'a'.repeat(64)}`, platforms: [] },
        },
      },
    },
    build: { number: 7, builtAt: new Date(0) },
    manifest,
    config: { number: 3, values: { '*': { LEVEL: { plain: '1' }, KEY: { secret: 'TOKEN' } } } },
    secrets: { TOKEN: 'hush' },
    logins: [],
    owner: { organisation: 'acme', project: 'shop' },
    settings: { installation: 'test', publicUrl: 'http://127.0.0.1:4600', registryHost: null },
    reusable: [],
  } as unknown as RevisionParts;
  const target = deployTarget(parts);
  const [service] = target.services;
  assert.ok(service);
  return { target, service };
}

describe('the target of a deploy', () => {
  it('has the hash that instances of older versions carry, whatever those did not know', () => {
    const known = '0facbddc13379ec30d986cee2a313ad918227ed04308292f494f335d04e420a5';
    const withEve = (more: string) => yaml.replace('x-eve: {', `x-eve: { ${more},`);

    assert.equal(targetOf(yaml).service.hash, known);
    assert.equal(targetOf(withEve('autoscale: { max: 9 }, ingress: { host: shop.example.com }')).service.hash, known);
    assert.equal(targetOf(yaml.replace('80:9000', '81:9000')).service.hash, known);
    assert.notEqual(targetOf(withEve('pre_stop: 5s')).service.hash, known);
    assert.notEqual(targetOf(yaml.replace('replicas: 2', 'replicas: 3')).service.hash, known);
  });

  it('says which variables hold a secret, and what is released', () => {
    const { target, service } = targetOf(yaml);

    assert.deepEqual([...service.secretNames].sort(), ['KEY', 'TOKEN']);
    assert.equal(service.environment.COST, `\${secret.TOKEN}`);
    assert.deepEqual(
      [target.configVersion, target.release],
      [3, { tag: null, version: '1.2.0', gitSha: 'a'.repeat(40), builtAt: new Date(0), buildNumber: 7 }],
    );
  });
});

import { randomBytes, randomInt } from 'node:crypto';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { runProgram } from '@eve/adapter-process';
import type { TestCluster } from '@eve/adapter-process/testing';
import { stringify } from 'yaml';
import { root } from '../../scripts/source-files.ts';
import type { EveImages } from './eve-images.ts';
import { surroundings } from './eve-surroundings.ts';
import { clusterVariables, kubectl } from './kubectl.ts';
import { plainRegistry } from './settings.ts';

export const chart = join(root, 'deploy', 'chart');

/** Helm, as the tests of a cluster are given it. */
export const helmProgram = () => process.env.EVE_TEST_HELM ?? null;

/** Runs Helm; answers with what it prints. */
export async function helm(...args: string[]): Promise<string> {
  return (await runProgram({ file: helmProgram() ?? 'helm', args, env: clusterVariables() })).stdout;
}

/** Namespaces and what Eve needs in them; the chart is not applied yet. Disposing removes all of it. */
export interface EveGround extends AsyncDisposable {
  readonly namespace: string;
  readonly builds: string;
  /** Where the API and the registry will be reached, from this machine, the node and pods alike. */
  readonly url: string;
  readonly registry: string;
  /** Values of the chart, as arguments of Helm. */
  readonly values: readonly string[];
  /** The chart's objects as text. */
  rendered(): Promise<string>;
}

/** Makes a namespace that takes only what passes Pod Security's strictest level, with a PostgreSQL, an S3 server and Eve's secrets. */
export async function eveGround(cluster: TestCluster, images: EveImages): Promise<EveGround> {
  const namespace = `evetest-${randomBytes(5).toString('hex')}`;
  const builds = `${namespace}-builds`;
  const [address = ''] = cluster.registry.split(':');
  const [apiPort, registryPort] = [randomInt(30_000, 31_300), randomInt(31_300, 32_700)];
  const [url, registry] = [`http://${address}:${apiPort}`, `${address}:${registryPort}`];
  const postgres = `${cluster.registry}/library/postgres:15`;
  const objects = await surroundings(namespace, { postgres, tools: images.tools });
  const plain = cluster.registriesDir === null ? null : join(cluster.registriesDir, registry);
  if (plain === null) throw new Error('The cluster’s node cannot be told of a registry over plain HTTP.');
  await mkdir(plain, { recursive: true });
  await writeFile(join(plain, 'hosts.toml'), plainRegistry(registry));
  await kubectl(['apply', '-f', '-'], objects.map((each) => stringify(each)).join('---\n'));
  const there = ['--for=condition=Ready', 'pod/postgres', 'pod/s3', '--timeout=120s'];
  await kubectl(['wait', '--namespace', namespace, ...there]);
  const settings = {
    publicUrl: url,
    'image.repository': images.eve.repository,
    'image.digest': images.eve.digest,
    'secrets.existingSecret': 'eve',
    'keys.existingSecret': 'eve-keys',
    'blobs.s3': 's3://eve/blobs',
    'blobs.endpoint': `http://s3.${namespace}.svc:7070`,
    'builds.namespace': builds,
    'builds.buildkitImage': cluster.buildkitImage,
    'builds.dockerHubMirror': cluster.registry,
    'registry.image': images.tools,
    'registry.host': registry,
    'registry.insecureHosts': `{${registry},${cluster.registry}}`,
    'registry.storage.type': 'inPod',
    'registry.service.type': 'NodePort',
    'registry.service.nodePort': String(registryPort),
    'service.type': 'NodePort',
    'service.nodePort': String(apiPort),
    'api.drainSeconds': '3',
    'api.resources.requests.cpu': '10m',
    'worker.resources.requests.cpu': '10m',
  };
  const values = Object.entries(settings).flatMap(([name, value]) => ['--set', `${name}=${value}`]);
  return {
    ...{ namespace, builds, url, registry, values },
    rendered: () => helm('template', 'eve', chart, '--namespace', namespace, ...values),
    async [Symbol.asyncDispose]() {
      await rm(plain, { recursive: true, force: true });
      const kinds = 'clusterroles,clusterrolebindings';
      const there = (await kubectl(['get', kinds, '-o', 'name'])).split('\n');
      const ours = there.filter((name) => name.includes(`/${namespace}:`));
      if (ours.length > 0) await kubectl(['delete', ...ours]);
      await kubectl(['delete', 'namespace', namespace, builds, '--ignore-not-found', '--wait=false']);
    },
  };
}

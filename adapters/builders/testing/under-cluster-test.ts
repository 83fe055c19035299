import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Cluster, kinds, kubernetesCluster } from '@eve/adapter-kubernetes';
import { type TestCluster, testCluster, testLogin, testRegistry } from '@eve/adapter-process/testing';
import type { Builder } from '@eve/operations';
import type { BuilderUnderTest } from '../../../operations/testing/builder-workbench.ts';
import type { KubernetesBuildkitOptions } from '../src/kubernetes/options.ts';

/** A namespace for the builds of one test file; disposing deletes it, and asks that no file is left behind. */
export interface BuildNamespace extends AsyncDisposable {
  readonly test: TestCluster;
  readonly cluster: Cluster;
  readonly options: KubernetesBuildkitOptions;
}

/** Options of builds in a namespace of their own, on the cluster that tests are given. */
export async function testBuildNamespace(
  insecureHosts: readonly string[] = [],
): Promise<BuildNamespace | { missing: string }> {
  const test = await testCluster();
  if ('missing' in test) return test;
  const cluster = await kubernetesCluster({ kubeconfig: test.kubeconfig });
  const namespace = `evetest-builds-${randomBytes(5).toString('hex')}`;
  const workDir = await mkdtemp(join(tmpdir(), 'eve-cluster-builds-'));
  const { buildkitImage: image, registry } = test;
  const hosts = [registry, ...insecureHosts];
  return {
    ...{ test, cluster },
    options: { cluster, namespace, installation: namespace, image, workDir, insecureHosts: hosts },
    async [Symbol.asyncDispose]() {
      await cluster.remove(kinds.Namespace, { name: namespace }, { propagation: 'Background' });
      const left = await readdir(workDir);
      await rm(workDir, { recursive: true, force: true });
      assert.deepEqual(left, []);
    },
  };
}

/** What the contract test asks of a builder's surroundings, for one whose builds run in a cluster on this machine. */
export async function underClusterTest(
  open: (options: KubernetesBuildkitOptions) => Builder,
): Promise<BuilderUnderTest | { missing: string }> {
  const test = await testCluster();
  if ('missing' in test) return test;
  const [address = ''] = test.registry.split(':');
  await using starting = new AsyncDisposableStack();
  const closed = starting.use(await testRegistry({ address, htpasswd: testLogin.htpasswd }));
  const ownRegistry = `${address}:${await freePortOf(address)}`;
  const place = await testBuildNamespace([closed.host, ownRegistry]);
  if ('missing' in place) return place;
  starting.use(place);
  const running = starting.move();
  return {
    builder: open(place.options),
    registryHost: test.registry,
    closedRegistry: { host: closed.host, ...testLogin },
    baseImage: test.baseImage,
    ownRegistry,
    layerCache: `${test.registry}/contract/layers:${place.options.namespace}`,
    measures: 'steps-and-engine',
    localCaches: false,
    // A pod has some seconds to end by itself.
    stopMs: 20_000,
    [Symbol.asyncDispose]: () => running.disposeAsync(),
  };
}

async function freePortOf(address: string): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, address, resolve));
  const found = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (typeof found !== 'object' || !found) throw new Error('no free port');
  return found.port;
}

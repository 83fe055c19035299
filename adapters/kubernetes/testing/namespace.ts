import { randomBytes } from 'node:crypto';
import { type TestCluster as NamedCluster, testCluster as namedCluster } from '@eve/adapter-process/testing';
import { type Cluster, kinds, kubernetesCluster, type Wanted } from '../src/index.ts';
import type { Namespace } from '../src/shapes.ts';

export interface TestCluster extends NamedCluster {
  /** As somebody who may do everything. */
  readonly cluster: Cluster;
}

/** The cluster that tests use, or why there is none. */
export async function testCluster(): Promise<TestCluster | { readonly missing: string }> {
  const named = await namedCluster();
  if ('missing' in named) return named;
  return { ...named, cluster: await kubernetesCluster({ kubeconfig: named.kubeconfig }) };
}

/** A namespace for one test; disposing deletes it with all that is in it, without waiting until it is gone. */
export interface OwnNamespace extends AsyncDisposable {
  readonly name: string;
}

/** Makes a namespace with a name that nothing else has. */
export async function ownNamespace(
  cluster: Cluster,
  labels: Readonly<Record<string, string>> = {},
): Promise<OwnNamespace> {
  const name = `evetest-${randomBytes(5).toString('hex')}`;
  const namespace: Wanted<Namespace> = { apiVersion: 'v1', kind: 'Namespace', metadata: { name, labels } };
  await cluster.create(kinds.Namespace, namespace);
  return {
    name,
    async [Symbol.asyncDispose]() {
      await cluster.remove(kinds.Namespace, { name });
    },
  };
}

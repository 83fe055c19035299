import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { clusterConnection } from '../src/connection.ts';
import { clusterCredentials } from '../src/credentials.ts';
import { type ClusterObject, type Kind, kinds } from '../src/index.ts';
import { kubeconfigOf } from './api-between.ts';
import type { TestCluster } from './namespace.ts';

/** Rules as roles have them. */
export interface Rule {
  readonly apiGroups: readonly string[];
  readonly resources: readonly string[];
  readonly verbs: readonly string[];
}

/** A service account of a namespace that may do only this, there or with `everywhere` in the whole cluster. */
export interface Account extends AsyncDisposable {
  readonly name: string;
  /** Its path. */
  readonly kubeconfig: string;
}

const group = 'rbac.authorization.k8s.io';
const role = (kind: string, namespaced: boolean): Kind => ({
  apiVersion: `${group}/v1`,
  kind,
  plural: `${kind.toLowerCase()}s`,
  namespaced,
});

export async function accountWith(
  { cluster, kubeconfig }: TestCluster,
  { namespace, name }: { namespace: string; name: string },
  rules: readonly Rule[],
  place: 'here' | 'everywhere' = 'here',
): Promise<Account> {
  const prefix = place === 'everywhere' ? 'Cluster' : '';
  const ofRole = role(`${prefix}Role`, place === 'here');
  const ofBinding = role(`${prefix}RoleBinding`, place === 'here');
  const metadata = place === 'here' ? { name, namespace } : { name: `${namespace}-${name}` };
  const own = async <Shape extends ClusterObject>(kind: Kind<Shape>, more: object) => {
    const object = { apiVersion: kind.apiVersion, kind: kind.kind, metadata, ...more };
    await cluster.create<ClusterObject>(kind, object);
  };
  await own(kinds.ServiceAccount, { metadata: { name, namespace } });
  await own(ofRole, { rules });
  const subjects = [{ kind: 'ServiceAccount', name, namespace }];
  await own(ofBinding, { roleRef: { apiGroup: group, kind: ofRole.kind, name: metadata.name }, subjects });
  const connection = clusterConnection(await clusterCredentials({ kubeconfig }), 10_000);
  const token = (await connection.call({
    method: 'POST',
    path: `/api/v1/namespaces/${namespace}/serviceaccounts/${name}/token`,
    body: { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', spec: { expirationSeconds: 3_600 } },
    act: 'make a token',
  })) as { status: { token: string } };
  const { ca } = await connection.credentials.options('call');
  const directory = await mkdtemp(join(tmpdir(), 'eve-account-'));
  const file = join(directory, 'kubeconfig');
  const authority = { 'certificate-authority-data': Buffer.from(String(ca)).toString('base64') };
  await writeFile(file, kubeconfigOf({ server: cluster.server, ...authority }, { token: token.status.token }));
  return {
    name: `system:serviceaccount:${namespace}:${name}`,
    kubeconfig: file,
    async [Symbol.asyncDispose]() {
      await rm(directory, { recursive: true });
      if (place === 'here') return;
      await cluster.remove(ofBinding, metadata);
      await cluster.remove(ofRole, metadata);
    },
  };
}

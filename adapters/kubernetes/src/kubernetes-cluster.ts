import type { Cluster, ClusterObject, Kind } from './cluster.ts';
import { clusterConnection } from './connection.ts';
import { clusterCredentials } from './credentials.ts';
import { isRefused } from './error.ts';
import { execIn } from './exec.ts';
import type { KubeconfigPlace } from './kubeconfig.ts';
import { listObjects, withoutManagers } from './list.ts';
import { containerLogs } from './logs.ts';
import { collectionPath, nameOf, objectPath } from './paths.ts';
import { watchObjects } from './watch.ts';

export interface ClusterOptions extends KubeconfigPlace {
  /** Within which the API server has to answer, half a minute unless told; streams may take as long as they want. */
  readonly timeoutMs?: number;
  /** How long a watch or a followed log bears an API server that is away, a minute unless told. */
  readonly patienceMs?: number;
}

const fieldManager = 'eve';

/** The cluster that a kubeconfig or the service account of our own pod leads to; nothing is asked of it yet. */
export async function kubernetesCluster(options: ClusterOptions): Promise<Cluster> {
  const connection = clusterConnection(await clusterCredentials(options), options.timeoutMs ?? 30_000);
  const patienceMs = options.patienceMs ?? 60_000;
  const { call } = connection;

  async function get<Shape extends ClusterObject>(kind: Kind<Shape>, name: string, namespace?: string) {
    const act = `read ${nameOf(kind, name, namespace)}`;
    try {
      return objectIn(kind, await call({ method: 'GET', path: objectPath(kind, name, namespace), act }));
    } catch (error) {
      if (isRefused(error, 'not_found')) return null;
      throw error;
    }
  }

  return {
    server: connection.server,
    get,
    list: async (kind, selection) => (await listObjects(connection, kind, selection)).items,
    async create(kind, object) {
      const { name, namespace } = object.metadata;
      if (kind.namespaced && !namespace) objectPath(kind, name, namespace);
      return objectIn(
        kind,
        await call({
          method: 'POST',
          path: collectionPath(kind, namespace),
          query: { fieldManager, fieldValidation: 'Strict' },
          body: object,
          act: `create ${nameOf(kind, name, namespace)}`,
        }),
      );
    },
    async apply(kind, object, { dryRun = false, force = false } = {}) {
      const { name, namespace } = object.metadata;
      return objectIn(
        kind,
        await call({
          method: 'PATCH',
          path: objectPath(kind, name, namespace),
          query: { fieldManager, fieldValidation: 'Strict', force, ...(dryRun && { dryRun: 'All' }) },
          body: object,
          contentType: 'application/apply-patch+yaml',
          act: `apply ${nameOf(kind, name, namespace)}`,
        }),
      );
    },
    async patch(kind, { name, namespace, subresource }, change) {
      return objectIn(
        kind,
        await call({
          method: 'PATCH',
          path: objectPath(kind, name, namespace, subresource),
          query: { fieldManager, fieldValidation: 'Strict' },
          body: change,
          contentType: 'application/merge-patch+json',
          act: `change ${nameOf(kind, name, namespace)}`,
        }),
      );
    },
    async remove(kind, { name, namespace }, { propagation, graceSeconds, uid } = {}) {
      try {
        await call({
          method: 'DELETE',
          path: objectPath(kind, name, namespace),
          body: {
            apiVersion: 'v1',
            kind: 'DeleteOptions',
            ...(propagation && { propagationPolicy: propagation }),
            ...(graceSeconds !== undefined && { gracePeriodSeconds: graceSeconds }),
            ...(uid !== undefined && { preconditions: { uid } }),
          },
          act: `delete ${nameOf(kind, name, namespace)}`,
        });
        return true;
      } catch (error) {
        // Another one has its name now.
        if (uid !== undefined && isRefused(error, 'conflict') && /the UID in the precondition/.test(error.message))
          return false;
        if (isRefused(error, 'not_found')) return false;
        throw error;
      }
    },
    watch: (kind, selection, signal) => watchObjects(connection, kind, selection, patienceMs, signal),
    logs: (place, wanted, signal) => containerLogs(connection, get, place, wanted, patienceMs, signal),
    exec: (place, command, wanted, signal) => execIn(connection, get, place, command, wanted, signal),
    async may(verb, { group, plural, namespace }) {
      const [resource, subresource] = plural.split('/');
      const review = await call({
        method: 'POST',
        path: '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews',
        body: {
          apiVersion: 'authorization.k8s.io/v1',
          kind: 'SelfSubjectAccessReview',
          spec: { resourceAttributes: { verb, group, resource, subresource, namespace } },
        },
        act: `say whether Eve may ${verb} ${plural}`,
      });
      return (review as { status?: { allowed?: boolean } } | undefined)?.status?.allowed === true;
    },
  };
}

/** The API server keeps to the schema of a kind: its answers are not checked field by field. */
function objectIn<Shape extends ClusterObject>(_: Kind<Shape>, answer: unknown): Shape {
  return withoutManagers(answer as Shape);
}

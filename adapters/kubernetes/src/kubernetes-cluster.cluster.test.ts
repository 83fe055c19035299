import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { type OwnNamespace, ownNamespace, testCluster } from '../testing/index.ts';
import { type Cluster, type ConfigMap, isRefused, kinds, type Wanted } from './index.ts';

const found = await testCluster();

describe('a Kubernetes cluster', { skip: 'missing' in found && found.missing }, () => {
  let cluster: Cluster;
  let own: OwnNamespace;
  before(async () => {
    if ('missing' in found) return;
    cluster = found.cluster;
    own = await ownNamespace(cluster);
  });
  after(() => own[Symbol.asyncDispose]());
  const configMap = (name: string, data: Record<string, string>): Wanted<ConfigMap> => ({
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name, namespace: own.name, labels: { test: name } },
    data,
  });

  it('creates, reads, lists, changes and deletes objects', async () => {
    const made = await cluster.create(kinds.ConfigMap, configMap('one', { a: '1' }));
    const listed = await cluster.list(kinds.ConfigMap, { namespace: own.name, labels: 'test=one' });
    const changed = await cluster.patch(kinds.ConfigMap, { name: 'one', namespace: own.name }, { data: { b: '2' } });
    const read = await cluster.get(kinds.ConfigMap, 'one', own.name);
    const isRemoved = await cluster.remove(kinds.ConfigMap, { name: 'one', namespace: own.name });

    assert.equal(made.metadata.name, 'one');
    assert.ok(made.metadata.uid);
    assert.equal('managedFields' in made.metadata, false);
    assert.deepEqual(
      listed.map(({ apiVersion, kind, metadata }) => [apiVersion, kind, metadata.name]),
      [['v1', 'ConfigMap', 'one']],
    );
    assert.deepEqual(changed.data, { a: '1', b: '2' });
    assert.deepEqual(read, changed);
    assert.equal(isRemoved, true);
    assert.equal(await cluster.get(kinds.ConfigMap, 'one', own.name), null);
    assert.equal(await cluster.remove(kinds.ConfigMap, { name: 'one', namespace: own.name }), false);
  });

  it('refuses a second object of a name', async () => {
    await cluster.create(kinds.ConfigMap, configMap('twice', {}));

    await assert.rejects(cluster.create(kinds.ConfigMap, configMap('twice', {})), {
      refusal: 'exists',
      code: 'cluster_refused',
      kind: 'conflict',
      message: /refused to create ConfigMap twice in namespace evetest-.*already exists/,
    });
  });

  it('changes only what nobody else has changed meanwhile when it is told a version', async () => {
    const first = await cluster.create(kinds.ConfigMap, configMap('raced', { turn: '0' }));
    const place = { name: 'raced', namespace: own.name };
    const { resourceVersion } = first.metadata;

    const outcomes = await Promise.allSettled(
      ['1', '2', '3'].map((turn) =>
        cluster.patch(kinds.ConfigMap, place, { metadata: { resourceVersion }, data: { turn } }),
      ),
    );

    const lost = outcomes.flatMap((it) => (it.status === 'rejected' ? [it.reason] : []));
    assert.equal(lost.length, 2);
    assert.ok(
      lost.every((error) => isRefused(error, 'conflict')),
      String(lost[0]),
    );
  });

  it('applies again what is there without changing it', async () => {
    const first = await cluster.apply(kinds.ConfigMap, configMap('applied', { a: '1', b: '2' }));
    const second = await cluster.apply(kinds.ConfigMap, configMap('applied', { a: '1', b: '2' }));
    const third = await cluster.apply(kinds.ConfigMap, configMap('applied', { a: '1' }));

    assert.equal(second.metadata.resourceVersion, first.metadata.resourceVersion);
    assert.deepEqual(third.data, { a: '1' });
  });

  it('names who owns a field that it would change, and takes it when forced', async () => {
    await cluster.apply(kinds.ConfigMap, configMap('owned', { size: '1', mode: 'a' }));
    // Somebody with kubectl: another field manager.
    await asSomebodyElse(own.name, 'owned', { size: '5', mode: 'b' });

    const wanted = configMap('owned', { size: '2', mode: 'c' });
    const trial = cluster.apply(kinds.ConfigMap, wanted, { dryRun: true });
    await assert.rejects(trial, { refusal: 'field_conflict' });
    await assert.rejects(cluster.apply(kinds.ConfigMap, wanted), (error: unknown) => {
      assert.ok(isRefused(error, 'field_conflict'));
      assert.deepEqual(
        error.conflicts.toSorted((a, b) => a.field.localeCompare(b.field)),
        [
          { manager: 'somebody-else', field: '.data.mode' },
          { manager: 'somebody-else', field: '.data.size' },
        ],
      );
      assert.match(
        error.message,
        /apply ConfigMap owned in namespace \S+: "somebody-else" owns \.data\.\w+, \.data\.\w+\.$/,
      );
      return true;
    });
    const forced = await cluster.apply(kinds.ConfigMap, wanted, { force: true });
    assert.deepEqual(forced.data, { size: '2', mode: 'c' });
  });

  it('tries without leaving anything', async () => {
    await cluster.apply(kinds.ConfigMap, configMap('tried', {}), { dryRun: true });

    assert.equal(await cluster.get(kinds.ConfigMap, 'tried', own.name), null);
  });

  it('names fields that do not exist', async () => {
    const wrong = { ...configMap('wrong', {}), dta: { a: '1' } };

    await assert.rejects(cluster.apply(kinds.ConfigMap, wrong), { refusal: 'invalid', message: /dta/ });
  });

  it('deletes only the one that is meant', async () => {
    const place = { name: 'remade', namespace: own.name };
    const first = await cluster.create(kinds.ConfigMap, configMap('remade', {}));
    await cluster.remove(kinds.ConfigMap, place);
    await cluster.create(kinds.ConfigMap, configMap('remade', {}));

    const isRemoved = await cluster.remove(kinds.ConfigMap, place, { uid: first.metadata.uid });

    assert.equal(isRemoved, false);
    assert.ok(await cluster.get(kinds.ConfigMap, 'remade', own.name));
  });

  it('says that the quota is used up', async () => {
    await using strict = await ownNamespace(cluster);
    await cluster.create(kinds.ResourceQuota, {
      apiVersion: 'v1',
      kind: 'ResourceQuota',
      metadata: { name: 'small', namespace: strict.name },
      spec: { hard: { 'count/secrets': '3' } },
    });
    const secret = (name: string) =>
      cluster.create(kinds.Secret, { apiVersion: 'v1', kind: 'Secret', metadata: { name, namespace: strict.name } });
    await quotaInForce(strict.name);

    // All at once: their counting is tried again until each has an answer.
    const outcomes = await Promise.allSettled(Array.from({ length: 8 }, (_, at) => secret(`s${at}`)));

    const refused = outcomes.flatMap((it) => (it.status === 'rejected' ? [it.reason] : []));
    assert.equal(refused.length, 5, String(refused[0]));
    for (const error of refused) {
      assert.ok(isRefused(error, 'quota_exceeded'), String(error));
      assert.match(error.message, /exceeded quota: small/);
    }
  });

  it('says that a namespace is being deleted', async () => {
    const { name, ...gone } = await ownNamespace(cluster);
    const kept = {
      ...configMap('kept', {}),
      metadata: { name: 'kept', namespace: name, finalizers: ['eve.dev/test'] },
    };
    await cluster.create(kinds.ConfigMap, kept);
    await gone[Symbol.asyncDispose]();

    const late = cluster.create(kinds.ConfigMap, { ...kept, metadata: { name: 'late', namespace: name } });
    await assert.rejects(late, { refusal: 'namespace_terminating', message: /being terminated/ });
    const again = cluster.create(kinds.Namespace, { apiVersion: 'v1', kind: 'Namespace', metadata: { name } });
    await assert.rejects(again, { refusal: 'namespace_terminating' });
    await cluster.patch(kinds.ConfigMap, { name: 'kept', namespace: name }, { metadata: { finalizers: null } });
  });

  it('says that a namespace is not there', async () => {
    const lost = { ...configMap('lost', {}), metadata: { name: 'lost', namespace: 'evetest-nowhere' } };

    await assert.rejects(cluster.create(kinds.ConfigMap, lost), { refusal: 'not_found', message: /evetest-nowhere/ });
  });

  it('hands on what Pod Security says', async () => {
    await using strict = await ownNamespace(cluster, { 'pod-security.kubernetes.io/enforce': 'restricted' });
    const container = { name: 'a', image: 'none', securityContext: { privileged: true } };
    const metadata = { name: 'a', namespace: strict.name };

    const making = cluster.create(kinds.Pod, {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata,
      spec: { containers: [container] },
    });

    await assert.rejects(making, {
      refusal: 'admission_refused',
      message: /violates PodSecurity "restricted.*privileged/,
    });
  });

  it('refuses names that would be other paths', async () => {
    for (const name of ['', '..', 'a/b', '?watch', 'a b']) {
      await assert.rejects(async () => cluster.get(kinds.ConfigMap, name, own.name), TypeError);
      await assert.rejects(async () => cluster.get(kinds.ConfigMap, 'a', name || '../x'), TypeError);
    }
  });

  async function quotaInForce(namespace: string): Promise<void> {
    for await (const { object } of cluster.watch(kinds.ResourceQuota, { namespace }, AbortSignal.timeout(20_000))) {
      if (object.status?.used) return;
    }
  }

  async function asSomebodyElse(namespace: string, name: string, data: Record<string, string>): Promise<void> {
    const { request } = await rawRequest();
    await request('PATCH', `/api/v1/namespaces/${namespace}/configmaps/${name}?fieldManager=somebody-else&force=true`, {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name },
      data,
    });
  }
});

/** What Eve's own client does not do. */
async function rawRequest() {
  if ('missing' in found) throw new Error(found.missing);
  const { clusterCredentials } = await import('./credentials.ts');
  const { clusterConnection } = await import('./connection.ts');
  const connection = clusterConnection(await clusterCredentials({ kubeconfig: found.kubeconfig }), 10_000);
  return {
    request: (method: 'PATCH', path: string, body: object) =>
      connection.call({ method, path, body, contentType: 'application/apply-patch+yaml', act: 'do something' }),
  };
}

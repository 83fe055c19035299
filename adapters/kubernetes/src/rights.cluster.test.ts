import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { accountWith, ownNamespace, type Rule, testCluster } from '../testing/index.ts';
import { isRefused, kinds, kubernetesCluster, lackingRights, rightsOf } from './index.ts';

const found = await testCluster();

describe('a service account of few rights', { skip: 'missing' in found && found.missing }, () => {
  const never = new AbortController().signal;

  it('is told which right it lacks, whatever it tries', async () => {
    if ('missing' in found) return;
    await using own = await ownNamespace(found.cluster);
    const namespace = own.name;
    const rules: Rule[] = [{ apiGroups: [''], resources: ['configmaps'], verbs: ['get'] }];
    await using account = await accountWith(found, { namespace, name: 'few' }, rules);
    const cluster = await kubernetesCluster({ kubeconfig: account.kubeconfig });
    const metadata = { name: 'a', namespace };
    const map = { apiVersion: 'v1', kind: 'ConfigMap', metadata } as const;
    const place = { namespace, pod: 'a', container: 'a' };
    const first = <Item>(items: AsyncIterable<Item>) => items[Symbol.asyncIterator]().next();

    const tried: [string, () => Promise<unknown>][] = [
      ['get pods', () => cluster.get(kinds.Pod, 'a', namespace)],
      ['list pods', () => cluster.list(kinds.Pod, { namespace })],
      ['list nodes', () => cluster.list(kinds.Node, {})],
      ['create configmaps', () => cluster.create(kinds.ConfigMap, map)],
      ['patch configmaps', () => cluster.apply(kinds.ConfigMap, map)],
      ['patch deployments/scale', () => cluster.patch(kinds.Deployment, { ...metadata, subresource: 'scale' }, {})],
      ['delete secrets', () => cluster.remove(kinds.Secret, metadata)],
      ['list pods', () => first(cluster.watch(kinds.Pod, { namespace }, never))],
      ['get pods/log', () => first(cluster.logs(place, {}, never))],
      ['get pods', () => first(cluster.logs(place, { follow: true }, never))],
      ['get pods/exec', () => cluster.exec(place, ['true'], {}, never)],
    ];
    for (const [right, act] of tried) {
      await assert.rejects(act, (error: unknown) => {
        assert.ok(isRefused(error, 'no_rights'), `${right}: ${error}`);
        assert.equal(error.code, 'cluster_refused');
        assert.deepEqual([`${error.right?.verb} ${error.right?.resource}`, error.right?.user], [right, account.name]);
        const where = right === 'list nodes' ? 'in the whole cluster' : `in namespace ${namespace}`;
        assert.ok(error.message.includes(`"${account.name}" lacks the right to ${right}`), error.message);
        assert.ok(error.message.endsWith(`${where}.`), error.message);
        return true;
      });
    }
    assert.equal(await cluster.get(kinds.ConfigMap, 'none', namespace), null);
    assert.equal(await cluster.may('get', { group: '', plural: 'configmaps', namespace }), true);
    assert.equal(await cluster.may('get', { group: '', plural: 'configmaps' }), false);
    assert.equal(await cluster.may('create', { group: '', plural: 'pods/exec', namespace }), false);
  });

  it('is told what it lacks of all that Eve needs', async () => {
    if ('missing' in found) return;
    await using own = await ownNamespace(found.cluster);
    const namespace = own.name;
    const without = (verb: string, resource: string) =>
      !/^(delete pods|patch deployments\/scale)$/.test(`${verb} ${resource}`);
    const rules: Rule[] = rightsOf('worker', namespace)
      .filter(
        ({ place, verb, resource }) => place === 'everywhere' && resource !== 'httproutes' && without(verb, resource),
      )
      .map(({ verb, resource, group }) => ({ apiGroups: [group], resources: [resource], verbs: [verb] }));
    await using account = await accountWith(found, { namespace, name: 'worker' }, rules, 'everywhere');
    const cluster = await kubernetesCluster({ kubeconfig: account.kubeconfig });
    const settings = { buildNamespace: namespace, gateway: false };

    assert.deepEqual(await lackingRights(cluster, 'worker', settings, never), [
      `Eve lacks the right to create pods/exec in namespace ${namespace}`,
      'Eve lacks the right to delete pods in the whole cluster',
      `Eve lacks the right to get pods/exec in namespace ${namespace}`,
      'Eve lacks the right to patch deployments/scale (apps) in the whole cluster',
    ]);
    assert.deepEqual(await lackingRights(found.cluster, 'worker', { ...settings, gateway: true }, never), []);
  });
});

import assert from 'node:assert/strict';
import { it } from 'node:test';
import { type Cluster, type Ingress, type Kind, kinds } from '@eve/adapter-kubernetes';
import { objectWriter } from './object-writer.ts';
import { tableOf } from './sample-table.fixture.ts';

it('a table that is overtaken while it removes what it does not want leaves the rest', async () => {
  let inForce = 1;
  const removed: string[] = [];
  const answers = {
    get: async () => ({ data: { version: String(inForce) } }),
    remove: async (_: Kind, { name }: { name: string }) => {
      removed.push(name);
      // A newer one comes, which wants the other.
      inForce = 2;
      return true;
    },
  };
  // The rest is not asked for.
  const cluster = answers as unknown as Cluster;
  const settings = { cluster, installation: 'one', namespace: 'eve', entrance: { by: 'nothing' } } as const;
  const ingress = (name: string): Ingress => ({
    apiVersion: 'networking.k8s.io/v1',
    kind: 'Ingress',
    metadata: { name, namespace: 'shop', uid: name },
    spec: {},
  });

  const writer = objectWriter(settings, tableOf(1));

  await assert.rejects(writer.prune(kinds.Ingress, [ingress('web'), ingress('api')], []), { code: 'lease_lost' });
  assert.deepEqual(removed, ['web']);
});

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  annotation,
  type Cluster,
  type ClusterObject,
  type Deployment,
  deploymentName,
  type Kind,
  kinds,
  label,
  type Service,
  type Slot,
  selectedSlots,
} from '@eve/adapter-kubernetes';
import { contractPlace, lease, type ServiceSketch } from '../../../../operations/testing/deployer-target.ts';
import type { ActContext } from './context.ts';
import { ensurePlace } from './place.ts';
import { settle } from './serve.ts';

const image = { image: 'registry.test/web@sha256:1', local: false, digests: [], login: null };
const namespace = 'shop';

/** A cluster that keeps what it is given, and lists all of a kind. */
function keeping(...there: readonly ClusterObject[]) {
  const kept = new Map(there.map((each) => [`${each.kind} ${each.metadata.name}`, each]));
  const patched: string[] = [];
  const cluster = {
    get: async ({ kind }: Kind, name: string) => kept.get(`${kind} ${name}`) ?? null,
    list: async ({ kind }: Kind) => [...kept.values()].filter((each) => each.kind === kind),
    apply: async (_: Kind, object: ClusterObject) => {
      kept.set(`${object.kind} ${object.metadata.name}`, object);
      return object;
    },
    patch: async ({ kind }: Kind, { name }: { name: string }, change: object) => {
      patched.push(`${kind} ${name} ${JSON.stringify(change)}`);
      return {};
    },
    remove: async ({ kind }: Kind, { name }: { name: string }) => kept.delete(`${kind} ${name}`),
  };
  // The rest is not asked for.
  return { cluster: cluster as unknown as Cluster, kept, patched };
}

function deploymentOf(service: string, slot: Slot): Deployment {
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: {
      name: deploymentName(service, slot),
      namespace,
      labels: { [label.service]: service, [label.slot]: slot },
      annotations: { [annotation.serves]: 'true' },
    },
    spec: { selector: {}, template: { spec: { containers: [] } } },
  };
}

function serviceOf(service: string, name = service): Service {
  const metadata = { name, namespace, labels: { [label.service]: service } };
  return { apiVersion: 'v1', kind: 'Service', metadata, spec: {} };
}

function contextOf(cluster: Cluster, ...sketches: readonly ServiceSketch[]): ActContext {
  return {
    cluster,
    installation: 'main',
    now: () => new Date(),
    ownRegistryHost: null,
    minimumDeadlineMs: 1_000,
    volumes: { size: '1Gi', storageClass: null },
    target: contractPlace(image).target(...sketches),
    lease,
    namespace,
    signal: new AbortController().signal,
    report: () => undefined,
  };
}

const standingOf = (deployments: readonly Deployment[]) => ({ deployments, pods: [], names: [], digests: new Map() });

describe('the names of services that come and go', () => {
  it('are taken from a worker that the revision does not have any more, but not for a part of a revision', async () => {
    const jobs = deploymentOf('jobs', 'green');
    const { cluster, patched } = keeping(jobs);
    const context = contextOf(cluster, { name: 'web' });

    await settle(context, standingOf([jobs]), true);
    assert.deepEqual(patched, []);
    await settle(context, standingOf([jobs]));

    const change = JSON.stringify({ metadata: { annotations: { [annotation.serves]: null } } });
    assert.deepEqual(patched, [`Deployment jobs-green ${change}`]);
  });

  it('go with the last port of a service; what a router made of it stays for the router', async () => {
    const { cluster, kept } = keeping(serviceOf('web'), serviceOf('web', 'web-public'), serviceOf('api'));
    const context = contextOf(cluster, { name: 'web', port: null }, { name: 'api' });

    await settle(context, standingOf([]));

    const services = [...kept.keys()].filter((each) => each.startsWith('Service '));
    assert.deepEqual(services, ['Service web-public', 'Service api']);
  });

  it('lead to what served without one, where a service gets its first port', async () => {
    const { cluster, kept } = keeping(deploymentOf('jobs', 'green'));
    const context = contextOf(cluster, { name: 'jobs' }, { name: 'web' });

    await ensurePlace(context);

    const slotsOf = (name: string) => {
      const made = kept.get(`Service ${name}`);
      assert.ok(made?.kind === kinds.Service.kind);
      // Of this kind by what it says.
      return selectedSlots(made as Service);
    };
    assert.deepEqual([slotsOf('jobs'), slotsOf('web')], [['green'], []]);
  });
});

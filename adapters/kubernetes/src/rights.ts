import type { Cluster } from './cluster.ts';
import { describeRight, type MissingRight } from './error.ts';

/** The process that needs a right: who answers requests, or who builds and deploys. */
export type Actor = 'api' | 'worker';

/** In every namespace and for what has none, or only where builds run. */
export type RightPlace = 'everywhere' | 'builds';

/** Verbs by resource, as kubectl names it: `deployments.apps/scale`. */
type Verbs = Readonly<Record<string, string>>;

const routing: Verbs = {
  services: 'create delete get list patch',
  'endpointslices.discovery.k8s.io': 'get list',
  'networkpolicies.networking.k8s.io': 'create delete get list patch',
  'ingresses.networking.k8s.io': 'create delete get list patch',
  'httproutes.gateway.networking.k8s.io': 'create delete get list patch',
  'ingressclasses.networking.k8s.io': 'get',
};

const looking: Verbs = {
  'replicasets.apps': 'get list',
  'pods/log': 'get',
  resourcequotas: 'get list',
  events: 'get list',
  nodes: 'get list',
};

/** All that Eve may have to do in a cluster. The chart's roles give the same: deploy/chart/rights.txt. */
export const rights: Readonly<Record<Actor, Readonly<Record<RightPlace, Verbs>>>> = {
  worker: {
    everywhere: {
      ...routing,
      ...looking,
      namespaces: 'create delete get list patch',
      'deployments.apps': 'create delete get list patch watch',
      'deployments.apps/scale': 'patch',
      pods: 'create delete get list patch watch',
      configmaps: 'create delete get list patch',
      secrets: 'create delete get list patch',
      serviceaccounts: 'create delete get list patch',
      persistentvolumeclaims: 'create get list patch',
      'jobs.batch': 'create delete get list patch',
      'horizontalpodautoscalers.autoscaling': 'create delete get list patch',
      'poddisruptionbudgets.policy': 'create delete get list patch',
    },
    // Newer API servers ask for `create`, older ones for `get`.
    builds: { 'pods/exec': 'create get' },
  },
  api: {
    everywhere: {
      ...routing,
      ...looking,
      namespaces: 'create delete get list patch',
      // What a deploy would change is asked of the cluster, which wants the rights to change it.
      'deployments.apps': 'create delete get list patch watch',
      pods: 'create get list patch watch',
      configmaps: 'create delete get list patch',
      secrets: 'create delete get list patch',
      serviceaccounts: 'create delete get list patch',
      persistentvolumeclaims: 'get list',
      'jobs.batch': 'delete get list',
      'horizontalpodautoscalers.autoscaling': 'delete get list',
      'poddisruptionbudgets.policy': 'delete get list',
    },
    builds: { pods: 'delete' },
  },
};

/** One verb on one resource. */
export interface Right extends Omit<MissingRight, 'user'> {
  readonly place: RightPlace;
}

/** Each right of an actor for itself. */
export function rightsOf(actor: Actor, buildNamespace: string): Right[] {
  const { everywhere, builds } = rights[actor];
  const each = (verbs: Verbs, place: RightPlace): Right[] =>
    Object.entries(verbs).flatMap(([name, words]) => {
      const [, plural = name, group = '', subresource = ''] = /^([^./]+)(?:\.([^/]+))?(\/.+)?$/.exec(name) ?? [];
      const namespace = place === 'builds' ? buildNamespace : null;
      return words.split(' ').map((verb) => ({ place, verb, resource: `${plural}${subresource}`, group, namespace }));
    });
  return [...each(everywhere, 'everywhere'), ...each(builds, 'builds')];
}

/**
 * The rights that Eve's credentials lack here, as sentences. What only some installations need is left out of what is asked:
 * those to HTTPRoutes without a Gateway.
 */
export async function lackingRights(
  cluster: Cluster,
  actor: Actor,
  { buildNamespace, gateway }: { readonly buildNamespace: string; readonly gateway: boolean },
  signal: AbortSignal,
): Promise<readonly string[]> {
  const asked = rightsOf(actor, buildNamespace).filter(({ resource }) => gateway || resource !== 'httproutes');
  const lacking: string[] = [];
  // A few at once: one after the other it takes a second, all together it is a burst on the API server.
  const waiting = asked.values();
  const ask = async () => {
    for (const right of waiting) {
      signal.throwIfAborted();
      const { verb, resource: plural, group, namespace } = right;
      if (await cluster.may(verb, { group, plural, ...(namespace !== null && { namespace }) })) continue;
      lacking.push(describeRight(right));
    }
  };
  await Promise.all(Array.from({ length: 4 }, ask));
  return lacking.toSorted();
}

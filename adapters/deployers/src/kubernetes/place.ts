import { setTimeout as sleep } from 'node:timers/promises';
import {
  annotation,
  type Cluster,
  kinds,
  label,
  type Namespace,
  type Slot,
  slots,
  type Wanted,
} from '@eve/adapter-kubernetes';
import { DeployFailed } from '@eve/domain';
import type { ServiceTarget } from '@eve/operations';
import type { ActContext } from './context.ts';
import { readDeployment } from './deployment-acts.ts';
import { holdFence } from './fence.ts';
import {
  accountName,
  alsoAllowing,
  environmentLabels,
  loginsSecret,
  namespaceObject,
  networkPolicies,
  ownLoginSecret,
  pullLogins,
  pullSecret,
  serviceAccount,
} from './namespace-objects.ts';
import { orRefused } from './refused.ts';
import { hasName, innerService } from './service-objects.ts';
import { claimName, volumeClaim } from './volume-claim.ts';

const pollMs = 250;
/** For so long a namespace that is being removed is waited for. */
const longestMs = 90_000;

/** Makes an environment's namespace and what all its services share; after it the namespace says who acts. */
export async function ensurePlace(context: ActContext): Promise<void> {
  await orRefused(null, async () => {
    await ensureNamespace(context);
    await holdFence(context.cluster, context.namespace, { lease: context.lease, deployId: context.target.deployId });
    await ensureShared(context);
  });
}

async function ensureNamespace(context: ActContext): Promise<void> {
  const { cluster, namespace, signal, report } = context;
  const wanted = namespaceObject(whose(context));
  const end = performance.now() + longestMs;
  let told = false;
  for (;;) {
    signal.throwIfAborted();
    const there = await cluster.get(kinds.Namespace, namespace);
    if (there) refuseForeign(there, wanted);
    if (!there) {
      await cluster.apply(kinds.Namespace, wanted);
      return;
    }
    // Of one that is there the labels are its administrator's to set.
    if (!isGoing(there)) return;
    if (!told) report({ type: 'note', service: null, text: `waiting until the namespace ${namespace} is removed` });
    told = true;
    if (performance.now() > end) throw stuckFailure(there);
    await sleep(pollMs, undefined, { signal });
  }
}

async function ensureShared(context: ActContext): Promise<void> {
  const { cluster, target, namespace, installation, ownRegistryHost, volumes } = context;
  const { services } = target;
  const logins = pullLogins(services, ownRegistryHost);
  const of = whose(context);
  if (logins.own.length > 0) await cluster.apply(kinds.Secret, pullSecret(of, ownLoginSecret, logins.own));
  if (logins.others.length > 0) await cluster.apply(kinds.Secret, pullSecret(of, loginsSecret, logins.others));
  const claims = new Set(services.flatMap(({ service }) => service.volumes.map(({ name }) => name)));
  await Promise.all([
    ensureAccount(context, logins.own.length > 0),
    ...networkPolicies(of, services).map(async (policy) => {
      const there = await cluster.get(kinds.NetworkPolicy, policy.metadata.name, namespace);
      await cluster.apply(kinds.NetworkPolicy, alsoAllowing(policy, there));
    }),
    // What was asked of a volume is never changed: it may hold data by now.
    ...[...claims].map(async (volume) => {
      if (await cluster.get(kinds.PersistentVolumeClaim, claimName(volume), namespace)) return;
      const claim = volumeClaim(target, volume, { installation, namespace, volumes });
      await cluster.apply(kinds.PersistentVolumeClaim, claim);
    }),
    // Looked up before its service is ready a name would be remembered as missing.
    ...services.filter(hasName).map(async (wanted) => {
      if (await cluster.get(kinds.Service, wanted.service.name, namespace)) return;
      await cluster.apply(kinds.Service, innerService(of, wanted, await servingWithoutName(context, wanted)));
    }),
  ]);
}

/** The slots of a service that has had no Service so far: what serves is to have the new name until something else does. */
async function servingWithoutName(context: ActContext, { service }: ServiceTarget): Promise<readonly Slot[]> {
  const found = await Promise.all(slots.map((slot) => readDeployment(context, service.name, slot)));
  return slots.filter((_, index) => found[index]?.metadata.annotations?.[annotation.serves] === 'true');
}

/** What was there before may still pull with the login that it had. */
async function ensureAccount(context: ActContext, hasLogin: boolean): Promise<void> {
  const { cluster, namespace } = context;
  if (!hasLogin && (await cluster.get(kinds.ServiceAccount, accountName, namespace))) return;
  await cluster.apply(kinds.ServiceAccount, serviceAccount(whose(context), hasLogin));
}

/** The namespace and the labels that objects of a target carry. */
export function whose({ target, namespace, installation }: Pick<ActContext, 'target' | 'namespace' | 'installation'>) {
  return { namespace, labels: environmentLabels(target, installation) };
}

/** Whether a namespace is there, this environment's, and to stay. */
export async function isPlaceThere(
  cluster: Cluster,
  context: Pick<ActContext, 'target' | 'namespace' | 'installation'>,
): Promise<boolean> {
  const there = await cluster.get(kinds.Namespace, context.namespace);
  if (there) refuseForeign(there, namespaceObject(whose(context)));
  return there !== null && !isGoing(there);
}

function isGoing({ metadata, status }: Namespace): boolean {
  return metadata.deletionTimestamp !== undefined || status?.phase === 'Terminating';
}

function refuseForeign({ metadata: { name, labels = {} } }: Namespace, { metadata: wanted }: Wanted<Namespace>): void {
  const told = [label.installation, label.environment];
  if (told.every((each) => labels[each] === wanted.labels?.[each])) return;
  throw new DeployFailed({
    code: 'field_conflict',
    message: `The namespace ${name} is there already and does not belong to this environment.`,
    service: null,
    hint: `If it is meant for it, give it these labels: ${told.map((each) => `${each}=${wanted.labels?.[each]}`).join(', ')}.`,
    probes: [],
    logs: [],
    instances: [],
  });
}

function stuckFailure({ metadata: { name }, status }: Namespace): DeployFailed {
  const held =
    status?.conditions?.filter(({ type, status: is }) => /Remaining|Failure/.test(type) && is === 'True') ?? [];
  const why = held.flatMap(({ message }) => message ?? []).join(' ');
  return new DeployFailed({
    code: 'engine_error',
    message: `The namespace ${name} is being removed and does not go. ${why}`.trim(),
    service: null,
    hint: 'Deploy again when it is gone; finalizers of others may hold it up.',
    probes: [],
    logs: [],
    instances: [],
  });
}

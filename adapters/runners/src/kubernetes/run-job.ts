import {
  annotation,
  environmentEgress,
  environmentNamespace,
  type Job,
  label,
  type Namespace,
  type NetworkPolicy,
  namespaceOf,
  numericUser,
  type OwnerReference,
  objectName,
  programOf,
  pullSecret,
  resourcesOf,
  type Secret,
  securityOf,
  type Wanted,
} from '@eve/adapter-kubernetes';
import { PlatformError } from '@eve/domain';
import type { Lease, RunnerPlan } from '@eve/operations';

/** Where runs are and whose. */
export interface RunSettings {
  readonly installation: string;
  /** For runs that belong to no environment. */
  readonly namespace: string;
}

/** A run's Job by its name: only runs carry it. */
export const runLabel = 'eve.dev/run';
/** `none`: nobody reaches the run, and it reaches nobody. */
export const networkLabel = 'eve.dev/network';
/** What the run is called, which may be no name for an object. */
export const runAnnotation = 'eve.dev/run';
/** The one container of a run that is its own; an admission webhook may add others. */
export const runContainer = 'run';

/** For this long a run that is stopped may put things in order. */
const stopGraceSeconds = 5;

export function runNamespace({ place }: Pick<RunnerPlan, 'place'>, { namespace }: RunSettings): string {
  return place === null ? namespace : namespaceOf(place);
}

/** The labels by which a run is found again. */
export function labelsOfRun(name: string, { installation }: Pick<RunSettings, 'installation'>): Record<string, string> {
  return { ...labelsOfRuns({ installation }), [runLabel]: objectName(name) };
}

export function labelsOfRuns({ installation }: Pick<RunSettings, 'installation'>): Record<string, string> {
  return { [label.managedBy]: 'eve', [label.installation]: installation };
}

/** The whole of what the cluster is asked to make for a run. It waits for its Secrets before its pod is made. */
export function runJob(plan: RunnerPlan, settings: RunSettings, lease: Lease): Wanted<Job> {
  const name = objectName(plan.name);
  const user = numericUser(plan.user);
  if (!user)
    throw new PlatformError(
      'engine_capability_missing',
      `${plan.name} is to run as ${plan.user}: a cluster takes a user only as a number, such as 1000 or 1000:1000.`,
    );
  const security = securityOf(user);
  const labels = {
    ...labelsOfRun(plan.name, settings),
    ...(plan.environmentId && { [label.environment]: plan.environmentId }),
    ...(plan.place === null && { [networkLabel]: 'none' }),
  };
  return {
    apiVersion: 'batch/v1',
    kind: 'Job',
    metadata: {
      name,
      namespace: runNamespace(plan, settings),
      labels,
      annotations: { [runAnnotation]: plan.name, [annotation.fence]: fenceText(lease) },
    },
    spec: {
      suspend: true,
      // It runs once, whatever becomes of it.
      backoffLimit: 0,
      completions: 1,
      parallelism: 1,
      podReplacementPolicy: 'Failed',
      template: {
        metadata: { labels },
        spec: {
          restartPolicy: 'Never',
          automountServiceAccountToken: false,
          enableServiceLinks: false,
          terminationGracePeriodSeconds: stopGraceSeconds,
          securityContext: security.pod,
          ...(plan.login && { imagePullSecrets: [{ name: pullSecretName(name) }] }),
          containers: [
            {
              name: runContainer,
              image: plan.image,
              imagePullPolicy: 'IfNotPresent',
              ...programOf(plan),
              ...(plan.workingDir && { workingDir: plan.workingDir }),
              envFrom: [{ secretRef: { name } }],
              ...resourcesOf(plan.limits),
              securityContext: security.container,
            },
          ],
        },
      },
    },
  };
}

/** The run's variables, and what its image is pulled with. They go with the Job. */
export function runSecrets({ environment, login }: RunnerPlan, { metadata }: Job): Wanted<Secret>[] {
  const { name, namespace, labels, uid = '' } = metadata;
  const owner: OwnerReference = { apiVersion: 'batch/v1', kind: 'Job', name, uid, blockOwnerDeletion: true };
  const of = (secret: string) => ({ name: secret, namespace, labels, ownerReferences: [owner] });
  const data = Object.fromEntries(
    Object.entries(environment).map(([key, value]) => [key, Buffer.from(value, 'utf8').toString('base64')]),
  );
  const variables: Wanted<Secret> = {
    ...{ apiVersion: 'v1', kind: 'Secret', metadata: of(name) },
    ...{ type: 'Opaque', immutable: true, data },
  };
  return login ? [variables, pullSecret(of(pullSecretName(name)), [login])] : [variables];
}

/** A namespace for runs, as far as a run knows whose it is; whoever deploys there says the rest. */
export function runsNamespace(
  plan: Pick<RunnerPlan, 'place' | 'environmentId'>,
  settings: RunSettings,
): Wanted<Namespace> {
  return environmentNamespace(runNamespace(plan, settings), {
    ...labelsOfRuns(settings),
    ...(plan.environmentId && { [label.environment]: plan.environmentId }),
  });
}

/** Refuses to run in a namespace of that name which is another environment's, or not ours at all. Throws `cluster_refused`. */
export function refuseForeign({ metadata: { name, labels = {} } }: Namespace, wanted: Wanted<Namespace>): void {
  const told = [label.installation, label.environment];
  if (told.every((each) => labels[each] === wanted.metadata.labels?.[each])) return;
  throw new PlatformError(
    'cluster_refused',
    `The namespace ${name} is there already and does not belong to this environment.`,
  );
}

/** What keeps a run that comes before the first deploy from where no other pod of its environment may go. */
export function runsEgress({ metadata: { name, labels } }: Wanted<Namespace>): Wanted<NetworkPolicy> {
  return environmentEgress(name, labels ?? {});
}

/** Runs without a place have no network, where the cluster's network keeps to such rules. */
export function aloneness(settings: RunSettings): Wanted<NetworkPolicy> {
  return {
    apiVersion: 'networking.k8s.io/v1',
    kind: 'NetworkPolicy',
    metadata: { name: 'eve-run-alone', namespace: settings.namespace, labels: labelsOfRuns(settings) },
    spec: {
      podSelector: { matchLabels: { [networkLabel]: 'none' } },
      policyTypes: ['Ingress', 'Egress'],
      ingress: [],
      egress: [],
    },
  };
}

/** Who acted last on a run. */
export function fenceText({ workId, fence }: Lease): string {
  return `${workId}:${fence}`;
}

/** Whether a later claim of the same work has acted on a run. */
export function isOvertaken(written: string | undefined, { workId, fence }: Lease): boolean {
  const [work, number] = (written ?? '').split(':');
  return work === workId && Number(number) > fence;
}

function pullSecretName(name: string): string {
  return `${name}-pull`;
}

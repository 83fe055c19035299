import { randomBytes } from 'node:crypto';
import { type Container, type Job, label, type Secret, type Volume, type Wanted } from '@eve/adapter-kubernetes';
import type { BuilderName } from '@eve/domain';
import type { ImageBuildPlan } from '@eve/operations';
import { dockerConfig } from '../client/scratch.ts';
import { defaults, type JobOptions } from './options.ts';
import { buildAnnotation, buildLabel, jobName, type place } from './place.ts';

/** What the pod of an engine is made of; the rest is the same for all. */
export interface BuildPod {
  readonly initContainers: readonly Container[];
  readonly container: Container;
  readonly volumes: readonly Volume[];
}

type Named = Pick<ImageBuildPlan, 'name' | 'runId' | 'service' | 'output'>;

/** The account that builds run under. It may do nothing, and pods do not get its token. */
export const account = 'eve-build';

/** The user of containers that need no more, and the group that files are shared through. */
export const user = 1000;

/** The labels of every Job of this installation's builds with one engine, and of their pods. */
export function labelsOf({ installation }: Pick<JobOptions, 'installation'>, builder: BuilderName) {
  return { [label.managedBy]: 'eve', [label.installation]: installation, [buildLabel.builder]: builder };
}

/** How long a node may be away before what ran there counts as lost; Kubernetes' own answer is five minutes. */
const awayTolerations = ['node.kubernetes.io/not-ready', 'node.kubernetes.io/unreachable'].map((key) => ({
  key,
  operator: 'Exists' as const,
  effect: 'NoExecute' as const,
  tolerationSeconds: 60,
}));

/** The Job of one plan. */
export function buildJob(options: JobOptions, builder: BuilderName, plan: Named, pod: BuildPod): Wanted<Job> {
  const labels = labelsOf(options, builder);
  return {
    apiVersion: 'batch/v1',
    kind: 'Job',
    metadata: {
      name: jobName(plan.name),
      namespace: options.namespace,
      labels,
      annotations: {
        [buildAnnotation.plan]: plan.name,
        [buildAnnotation.run]: plan.runId,
        [buildAnnotation.service]: plan.service,
        [buildAnnotation.output]: plan.output,
      },
    },
    spec: {
      // Until its Secret is there.
      suspend: true,
      // Tried again is a build by whoever follows it, as its failure says.
      backoffLimit: 0,
      activeDeadlineSeconds: options.longestSeconds ?? defaults.longestSeconds,
      ttlSecondsAfterFinished: options.keepSeconds ?? defaults.keepSeconds,
      template: {
        metadata: { labels },
        spec: {
          restartPolicy: 'Never',
          serviceAccountName: account,
          automountServiceAccountToken: false,
          enableServiceLinks: false,
          terminationGracePeriodSeconds: 2,
          tolerations: awayTolerations,
          securityContext: { fsGroup: user },
          ...(options.nodeSelector && { nodeSelector: options.nodeSelector }),
          ...(options.imagePullSecrets && { imagePullSecrets: options.imagePullSecrets.map((name) => ({ name })) }),
          initContainers: pod.initContainers,
          containers: [pod.container],
          volumes: pod.volumes,
        },
      },
    },
  };
}

/** What only the client of a build may read, as files: its secrets by number, and its logins. Goes with the Job. */
export function secretOf(
  plan: Pick<ImageBuildPlan, 'secrets' | 'logins'>,
  { namespace, installation }: Pick<JobOptions, 'namespace' | 'installation'>,
  job: Job,
): Wanted<Secret> {
  const volume = job.spec.template.spec.volumes?.find(({ name }) => name === secrets);
  const { name: owner, uid = '' } = job.metadata;
  const base64 = (text: string) => Buffer.from(text, 'utf8').toString('base64');
  return {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: {
      name: volume?.secret?.secretName ?? owner,
      namespace,
      labels: { [label.managedBy]: 'eve', [label.installation]: installation },
      ownerReferences: [{ apiVersion: 'batch/v1', kind: 'Job', name: owner, uid, controller: true }],
    },
    type: 'Opaque',
    immutable: true,
    data: {
      'config.json': base64(dockerConfig(plan.logins)),
      ...Object.fromEntries(plan.secrets.map(({ value }, index) => [String(index), base64(value)])),
    },
  };
}

const secrets = 'secrets';

/** The volume of `secretOf`; the pod waits for it. */
export function secretVolume(secretName: string): Volume {
  return { name: secrets, secret: { secretName, defaultMode: 0o440 } };
}

/** A name of its own for each Job: a Secret that goes with an earlier Job of the same plan is another one. */
export function secretNameOf(plan: Pick<ImageBuildPlan, 'name'>): string {
  return `${jobName(plan.name)}-${randomBytes(3).toString('hex')}`;
}

/** What a container gets that needs nothing from its node. */
export const restricted = {
  runAsNonRoot: true,
  runAsUser: user,
  runAsGroup: user,
  allowPrivilegeEscalation: false,
  capabilities: { drop: ['ALL'] },
  seccompProfile: { type: 'RuntimeDefault' },
} as const satisfies Container['securityContext'];

/** Few builds use all that they may: a node is asked for this part of it. */
const requestedPart = 0.25;

/** What a container may use at most, and the part of it that a node has to have free. */
export function resources({ memoryBytes, cpus }: ImageBuildPlan['limits']): Pick<Container, 'resources'> {
  const part = (of: number) => ({
    ...(memoryBytes !== null && { memory: String(Math.ceil(memoryBytes * of)) }),
    ...(cpus !== null && { cpu: `${Math.max(1, Math.round(cpus * 1000 * of))}m` }),
  });
  const limits = part(1);
  return Object.keys(limits).length === 0 ? {} : { resources: { limits, requests: part(requestedPart) } };
}

/** A container's variables for the scripts that run in it. */
export function variables(values: Readonly<Record<string, string | number>>): NonNullable<Container['env']> {
  return Object.entries(values).map(([name, value]) => ({ name, value: String(value) }));
}

const clientBytes = 128 * 1_048_576;

/** Of the plan's limits the part of what sends the source and asks for the build; the rest is for what carries it out. */
export function splitLimits({ memoryBytes, cpus }: ImageBuildPlan['limits']) {
  const client = {
    memoryBytes:
      memoryBytes === null
        ? null
        : Math.floor(Math.min(clientBytes, Math.max(clientBytes / 2, memoryBytes / 4), memoryBytes / 2)),
    cpus: cpus === null ? null : Math.min(0.25, cpus / 4),
  };
  const rest = (whole: number | null, part: number | null) => (whole === null ? null : whole - (part ?? 0));
  return {
    client,
    daemon: { memoryBytes: rest(memoryBytes, client.memoryBytes), cpus: rest(cpus, client.cpus) },
  };
}

/** Where the pod's own files lie that its containers share. */
export const shared = (...names: (keyof typeof place)[]): Volume[] => names.map((name) => ({ name, emptyDir: {} }));

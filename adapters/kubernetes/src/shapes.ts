import type { ClusterObject } from './cluster.ts';
import type { PodSpec } from './pod-spec.ts';

// What Eve reads and writes of each kind; the API server fills in and keeps much more.

type Texts = Readonly<Record<string, string>>;

export interface LabelSelector {
  readonly matchLabels?: Texts;
  readonly matchExpressions?: readonly {
    readonly key: string;
    readonly operator: 'In' | 'NotIn' | 'Exists' | 'DoesNotExist';
    readonly values?: readonly string[];
  }[];
}

/** Of a Deployment, ReplicaSet, Job, HorizontalPodAutoscaler and others. */
export interface Condition {
  readonly type: string;
  readonly status: 'True' | 'False' | 'Unknown';
  readonly reason?: string;
  readonly message?: string;
  readonly lastTransitionTime?: string;
  readonly lastUpdateTime?: string;
  readonly observedGeneration?: number;
}

export interface Namespace extends ClusterObject {
  readonly apiVersion: 'v1';
  readonly kind: 'Namespace';
  readonly status?: { readonly phase?: 'Active' | 'Terminating'; readonly conditions?: readonly Condition[] };
}

export interface PodTemplate {
  readonly metadata?: { readonly labels?: Texts; readonly annotations?: Texts };
  readonly spec: PodSpec;
}

export interface Deployment extends ClusterObject {
  readonly apiVersion: 'apps/v1';
  readonly kind: 'Deployment';
  readonly spec: {
    readonly replicas?: number;
    readonly selector: LabelSelector;
    readonly template: PodTemplate;
    readonly strategy?: {
      readonly type?: 'RollingUpdate' | 'Recreate';
      readonly rollingUpdate?: {
        readonly maxSurge?: number | string;
        readonly maxUnavailable?: number | string;
      } | null;
    };
    readonly minReadySeconds?: number;
    readonly revisionHistoryLimit?: number;
    readonly progressDeadlineSeconds?: number;
    readonly paused?: boolean;
  };
  readonly status?: {
    readonly observedGeneration?: number;
    readonly replicas?: number;
    readonly updatedReplicas?: number;
    readonly readyReplicas?: number;
    readonly availableReplicas?: number;
    readonly unavailableReplicas?: number;
    readonly terminatingReplicas?: number;
    readonly conditions?: readonly Condition[];
  };
}

export interface ReplicaSet extends ClusterObject {
  readonly apiVersion: 'apps/v1';
  readonly kind: 'ReplicaSet';
  readonly spec: { readonly replicas?: number; readonly selector: LabelSelector; readonly template: PodTemplate };
  readonly status?: {
    readonly replicas: number;
    readonly readyReplicas?: number;
    readonly availableReplicas?: number;
    readonly observedGeneration?: number;
    readonly conditions?: readonly Condition[];
  };
}

export interface Service extends ClusterObject {
  readonly apiVersion: 'v1';
  readonly kind: 'Service';
  readonly spec: {
    readonly type?: 'ClusterIP' | 'NodePort' | 'LoadBalancer' | 'ExternalName';
    /** `None` for a headless one. */
    readonly clusterIP?: string;
    readonly selector?: Texts;
    readonly ports?: readonly ServicePort[];
    readonly publishNotReadyAddresses?: boolean;
    readonly externalName?: string;
    readonly sessionAffinity?: 'None' | 'ClientIP';
  };
}

export interface ServicePort {
  readonly name?: string;
  readonly port: number;
  readonly targetPort?: number | string;
  readonly nodePort?: number;
  readonly protocol?: 'TCP' | 'UDP';
  readonly appProtocol?: string;
}

export interface EndpointSlice extends ClusterObject {
  readonly apiVersion: 'discovery.k8s.io/v1';
  readonly kind: 'EndpointSlice';
  readonly addressType: 'IPv4' | 'IPv6' | 'FQDN';
  readonly endpoints: readonly {
    readonly addresses: readonly string[];
    readonly conditions?: { readonly ready?: boolean; readonly serving?: boolean; readonly terminating?: boolean };
    readonly targetRef?: { readonly kind?: string; readonly name?: string; readonly namespace?: string };
  }[];
  readonly ports?: readonly { readonly name?: string; readonly port?: number; readonly protocol?: string }[];
}

export interface ConfigMap extends ClusterObject {
  readonly apiVersion: 'v1';
  readonly kind: 'ConfigMap';
  readonly immutable?: boolean;
  readonly data?: Texts;
  readonly binaryData?: Texts;
}

export interface Secret extends ClusterObject {
  readonly apiVersion: 'v1';
  readonly kind: 'Secret';
  readonly type?: string;
  readonly immutable?: boolean;
  /** Base64. */
  readonly data?: Texts;
  /** Only written: the API server turns it into `data`. */
  readonly stringData?: Texts;
}

export interface ServiceAccount extends ClusterObject {
  readonly apiVersion: 'v1';
  readonly kind: 'ServiceAccount';
  readonly automountServiceAccountToken?: boolean;
  readonly imagePullSecrets?: readonly { readonly name: string }[];
}

export interface PersistentVolumeClaim extends ClusterObject {
  readonly apiVersion: 'v1';
  readonly kind: 'PersistentVolumeClaim';
  readonly spec: {
    readonly accessModes: readonly ('ReadWriteOnce' | 'ReadOnlyMany' | 'ReadWriteMany' | 'ReadWriteOncePod')[];
    readonly resources: { readonly requests: { readonly storage: string } };
    readonly storageClassName?: string;
    readonly volumeName?: string;
    readonly volumeMode?: 'Filesystem' | 'Block';
  };
  readonly status?: { readonly phase?: 'Pending' | 'Bound' | 'Lost' };
}

export interface Job extends ClusterObject {
  readonly apiVersion: 'batch/v1';
  readonly kind: 'Job';
  readonly spec: {
    readonly backoffLimit?: number;
    readonly activeDeadlineSeconds?: number;
    readonly ttlSecondsAfterFinished?: number;
    readonly completions?: number;
    readonly parallelism?: number;
    readonly suspend?: boolean;
    readonly podReplacementPolicy?: 'TerminatingOrFailed' | 'Failed';
    readonly template: PodTemplate;
  };
  readonly status?: {
    readonly active?: number;
    readonly ready?: number;
    readonly succeeded?: number;
    readonly failed?: number;
    readonly terminating?: number;
    readonly startTime?: string;
    readonly completionTime?: string;
    readonly conditions?: readonly Condition[];
  };
}

export interface Event extends ClusterObject {
  readonly apiVersion: 'v1';
  readonly kind: 'Event';
  readonly type?: 'Normal' | 'Warning';
  readonly reason?: string;
  readonly message?: string;
  readonly count?: number;
  readonly firstTimestamp?: string | null;
  readonly lastTimestamp?: string | null;
  /** Set, and the two above not, by newer reporters. */
  readonly eventTime?: string | null;
  readonly series?: { readonly count?: number; readonly lastObservedTime?: string };
  readonly involvedObject: {
    readonly kind?: string;
    readonly name?: string;
    readonly namespace?: string;
    readonly uid?: string;
    /** Such as `spec.containers{web}`. */
    readonly fieldPath?: string;
  };
}

export interface HorizontalPodAutoscaler extends ClusterObject {
  readonly apiVersion: 'autoscaling/v2';
  readonly kind: 'HorizontalPodAutoscaler';
  readonly spec: {
    readonly scaleTargetRef: { readonly apiVersion: string; readonly kind: string; readonly name: string };
    readonly minReplicas?: number;
    readonly maxReplicas: number;
    readonly metrics?: readonly {
      readonly type: 'Resource';
      readonly resource: {
        readonly name: 'cpu' | 'memory';
        readonly target: { readonly type: 'Utilization'; readonly averageUtilization: number };
      };
    }[];
  };
  readonly status?: {
    readonly currentReplicas?: number;
    readonly desiredReplicas?: number;
    readonly conditions?: readonly Condition[];
  };
}

export interface PodDisruptionBudget extends ClusterObject {
  readonly apiVersion: 'policy/v1';
  readonly kind: 'PodDisruptionBudget';
  readonly spec: {
    readonly selector: LabelSelector;
    readonly maxUnavailable?: number | string;
    readonly minAvailable?: number | string;
  };
}

export interface ResourceQuota extends ClusterObject {
  readonly apiVersion: 'v1';
  readonly kind: 'ResourceQuota';
  readonly spec: { readonly hard: Texts };
  readonly status?: { readonly hard?: Texts; readonly used?: Texts };
}

export interface Node extends ClusterObject {
  readonly apiVersion: 'v1';
  readonly kind: 'Node';
  readonly spec?: { readonly unschedulable?: boolean };
  readonly status?: {
    readonly conditions?: readonly Condition[];
    readonly allocatable?: Texts;
    readonly addresses?: readonly { readonly type: string; readonly address: string }[];
    /** Those that it holds, as far as it lists them. */
    readonly images?: readonly { readonly names?: readonly string[]; readonly sizeBytes?: number }[];
    readonly nodeInfo?: {
      readonly architecture: string;
      readonly operatingSystem: string;
      readonly kubeletVersion: string;
      readonly containerRuntimeVersion: string;
    };
  };
}

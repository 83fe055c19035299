import {
  deploymentName,
  type HorizontalPodAutoscaler,
  label,
  type PodDisruptionBudget,
  type Service,
  type Slot,
  serviceSelector,
  type Wanted,
} from '@eve/adapter-kubernetes';
import type { Autoscale } from '@eve/domain';
import type { ServiceTarget } from '@eve/operations';
import { servicePorts } from './pod-template.ts';

interface Of {
  readonly namespace: string;
  /** Of its environment. */
  readonly labels: Readonly<Record<string, string>>;
}

/** Whether a service has a name that others resolve: one without a port has none. */
export function hasName(wanted: Pick<ServiceTarget, 'service' | 'port'>): boolean {
  return servicePorts(wanted).length > 0;
}

/** A service's name inside its environment, resolving to its instances in these slots. */
export function innerService(
  { namespace, labels }: Of,
  wanted: Pick<ServiceTarget, 'service' | 'port'>,
  serving: readonly Slot[],
): Wanted<Service> {
  const { name } = wanted.service;
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name, namespace, labels: { ...labels, [label.name]: name, [label.service]: name } },
    spec: {
      type: 'ClusterIP',
      selector: serviceSelector(name, serving),
      ports: servicePorts(wanted).map((port) => ({ name: `p${port}`, port, targetPort: port, protocol: 'TCP' })),
    },
  };
}

/** So that a cluster that empties its machines leaves all but one instance. */
export function disruptionBudget({ namespace, labels }: Of, service: string): Wanted<PodDisruptionBudget> {
  const of = { [label.service]: service };
  return {
    apiVersion: 'policy/v1',
    kind: 'PodDisruptionBudget',
    metadata: { name: service, namespace, labels: { ...labels, ...of } },
    spec: { selector: { matchLabels: of }, maxUnavailable: 1 },
  };
}

/** Has the cluster choose the number of instances in the slot that serves. */
export function autoscaler(
  { namespace, labels }: Of,
  service: string,
  { min, max, cpuPercent, memoryPercent }: Autoscale,
  slot: Slot,
): Wanted<HorizontalPodAutoscaler> {
  const metric = (name: 'cpu' | 'memory', averageUtilization: number | null) =>
    averageUtilization === null
      ? []
      : [
          {
            type: 'Resource' as const,
            resource: { name, target: { type: 'Utilization' as const, averageUtilization } },
          },
        ];
  return {
    apiVersion: 'autoscaling/v2',
    kind: 'HorizontalPodAutoscaler',
    metadata: { name: service, namespace, labels: { ...labels, [label.service]: service } },
    spec: {
      scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: deploymentName(service, slot) },
      minReplicas: min,
      maxReplicas: max,
      metrics: [...metric('cpu', cpuPercent), ...metric('memory', memoryPercent)],
    },
  };
}

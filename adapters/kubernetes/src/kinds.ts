import type { ClusterObject, Kind } from './cluster.ts';
import type { Pod as PodShape } from './pod-spec.ts';
import type * as routing from './routing-shapes.ts';
import type * as shapes from './shapes.ts';

/** The kinds that Eve reads and writes. */
export const kinds = {
  Namespace: kind<shapes.Namespace>('v1', 'Namespace', 'namespaces', false),
  Node: kind<shapes.Node>('v1', 'Node', 'nodes', false),
  Pod: kind<PodShape>('v1', 'Pod', 'pods'),
  Service: kind<shapes.Service>('v1', 'Service', 'services'),
  ConfigMap: kind<shapes.ConfigMap>('v1', 'ConfigMap', 'configmaps'),
  Secret: kind<shapes.Secret>('v1', 'Secret', 'secrets'),
  ServiceAccount: kind<shapes.ServiceAccount>('v1', 'ServiceAccount', 'serviceaccounts'),
  PersistentVolumeClaim: kind<shapes.PersistentVolumeClaim>('v1', 'PersistentVolumeClaim', 'persistentvolumeclaims'),
  ResourceQuota: kind<shapes.ResourceQuota>('v1', 'ResourceQuota', 'resourcequotas'),
  Event: kind<shapes.Event>('v1', 'Event', 'events'),
  Deployment: kind<shapes.Deployment>('apps/v1', 'Deployment', 'deployments'),
  ReplicaSet: kind<shapes.ReplicaSet>('apps/v1', 'ReplicaSet', 'replicasets'),
  Job: kind<shapes.Job>('batch/v1', 'Job', 'jobs'),
  EndpointSlice: kind<shapes.EndpointSlice>('discovery.k8s.io/v1', 'EndpointSlice', 'endpointslices'),
  HorizontalPodAutoscaler: kind<shapes.HorizontalPodAutoscaler>(
    'autoscaling/v2',
    'HorizontalPodAutoscaler',
    'horizontalpodautoscalers',
  ),
  PodDisruptionBudget: kind<shapes.PodDisruptionBudget>('policy/v1', 'PodDisruptionBudget', 'poddisruptionbudgets'),
  NetworkPolicy: kind<routing.NetworkPolicy>('networking.k8s.io/v1', 'NetworkPolicy', 'networkpolicies'),
  Ingress: kind<routing.Ingress>('networking.k8s.io/v1', 'Ingress', 'ingresses'),
  IngressClass: kind<routing.IngressClass>('networking.k8s.io/v1', 'IngressClass', 'ingressclasses', false),
  HTTPRoute: kind<routing.HTTPRoute>('gateway.networking.k8s.io/v1', 'HTTPRoute', 'httproutes'),
} as const;

function kind<Shape extends ClusterObject>(
  apiVersion: Shape['apiVersion'],
  name: Shape['kind'],
  plural: string,
  namespaced = true,
): Kind<Shape> {
  return { apiVersion, kind: name, plural, namespaced };
}

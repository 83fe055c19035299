import type { ClusterObject } from './cluster.ts';
import type { Condition, LabelSelector } from './shapes.ts';

export interface Ingress extends ClusterObject {
  readonly apiVersion: 'networking.k8s.io/v1';
  readonly kind: 'Ingress';
  readonly spec: {
    readonly ingressClassName?: string;
    readonly defaultBackend?: IngressBackend;
    readonly rules?: readonly {
      readonly host?: string;
      readonly http?: {
        readonly paths: readonly {
          readonly path?: string;
          readonly pathType: 'Exact' | 'Prefix' | 'ImplementationSpecific';
          readonly backend: IngressBackend;
        }[];
      };
    }[];
    readonly tls?: readonly { readonly hosts?: readonly string[]; readonly secretName?: string }[];
  };
  readonly status?: {
    readonly loadBalancer?: { readonly ingress?: readonly { readonly ip?: string; readonly hostname?: string }[] };
  };
}

export interface IngressBackend {
  readonly service?: { readonly name: string; readonly port: { readonly number?: number; readonly name?: string } };
}

export interface IngressClass extends ClusterObject {
  readonly apiVersion: 'networking.k8s.io/v1';
  readonly kind: 'IngressClass';
  /** `controller` is such as `k8s.io/ingress-nginx`. */
  readonly spec: { readonly controller?: string };
}

export interface HTTPRoute extends ClusterObject {
  readonly apiVersion: 'gateway.networking.k8s.io/v1';
  readonly kind: 'HTTPRoute';
  readonly spec: {
    readonly parentRefs?: readonly {
      readonly group?: string;
      readonly kind?: string;
      readonly name: string;
      readonly namespace?: string;
      readonly sectionName?: string;
      readonly port?: number;
    }[];
    readonly hostnames?: readonly string[];
    readonly rules?: readonly {
      readonly name?: string;
      readonly matches?: readonly object[];
      readonly filters?: readonly object[];
      readonly timeouts?: { readonly request?: string; readonly backendRequest?: string };
      readonly backendRefs?: readonly {
        readonly group?: string;
        readonly kind?: string;
        readonly name: string;
        readonly namespace?: string;
        readonly port?: number;
        readonly weight?: number;
      }[];
    }[];
  };
  readonly status?: {
    readonly parents?: readonly {
      readonly controllerName: string;
      readonly parentRef: { readonly name: string; readonly namespace?: string };
      readonly conditions?: readonly Condition[];
    }[];
  };
}

export interface NetworkPolicy extends ClusterObject {
  readonly apiVersion: 'networking.k8s.io/v1';
  readonly kind: 'NetworkPolicy';
  readonly spec: {
    readonly podSelector: LabelSelector;
    readonly policyTypes?: readonly ('Ingress' | 'Egress')[];
    readonly ingress?: readonly { readonly from?: readonly NetworkPeer[]; readonly ports?: readonly NetworkPort[] }[];
    readonly egress?: readonly { readonly to?: readonly NetworkPeer[]; readonly ports?: readonly NetworkPort[] }[];
  };
}

export interface NetworkPeer {
  readonly podSelector?: LabelSelector;
  readonly namespaceSelector?: LabelSelector;
  readonly ipBlock?: { readonly cidr: string; readonly except?: readonly string[] };
}

export interface NetworkPort {
  readonly protocol?: 'TCP' | 'UDP';
  readonly port?: number | string;
  readonly endPort?: number;
}

import type { Kind } from './cluster.ts';

/** Where the API serves a kind in a namespace; null: in all of them. */
export function collectionPath(kind: Kind, namespace: string | null | undefined): string {
  const base = kind.apiVersion.includes('/') ? `/apis/${kind.apiVersion}` : `/api/${kind.apiVersion}`;
  return kind.namespaced && namespace != null
    ? `${base}/namespaces/${segment(namespace)}/${kind.plural}`
    : `${base}/${kind.plural}`;
}

/** Where the API serves one object. */
export function objectPath(kind: Kind, name: string, namespace: string | undefined, subresource?: string): string {
  if (kind.namespaced && !namespace)
    throw new TypeError(`A ${kind.kind} is in a namespace: ${name} was asked for without.`);
  return `${collectionPath(kind, namespace)}/${segment(name)}${subresource ? `/${subresource}` : ''}`;
}

/** Such as `Deployment web in namespace shop`, for messages. */
export function nameOf(kind: Kind, name: string, namespace: string | undefined): string {
  return `${kind.kind} ${name}${kind.namespaced ? ` in namespace ${namespace}` : ''}`;
}

/** What the API takes as a name: an empty one would be a list, and one with a slash another path. */
function segment(name: string): string {
  if (!/^(?!\.{1,2}$)[a-zA-Z0-9:._-]{1,253}$/.test(name))
    throw new TypeError(`${JSON.stringify(name)} names nothing in Kubernetes.`);
  return encodeURIComponent(name);
}

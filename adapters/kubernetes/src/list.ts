import { setTimeout as sleep } from 'node:timers/promises';
import type { ClusterObject, Kind, Selection } from './cluster.ts';
import type { Connection } from './connection.ts';
import { isRefused } from './error.ts';
import { collectionPath } from './paths.ts';

/** All objects of a selection, and the version of the whole from which a watch goes on. */
export interface Listed<Shape> {
  readonly items: readonly Shape[];
  readonly resourceVersion: string;
}

interface Page {
  readonly metadata?: { readonly resourceVersion?: string; readonly continue?: string };
  readonly items?: readonly ClusterObject[] | null;
}

const pageSize = 500;

/** Lists in pages; begins anew when they took so long that the API server forgot where it was. */
export async function listObjects<Shape extends ClusterObject>(
  connection: Connection,
  kind: Kind<Shape>,
  selection: Selection,
  signal?: AbortSignal,
): Promise<Listed<Shape>> {
  for (let attempts = 1; ; attempts++) {
    try {
      return await listPages(connection, kind, selection, signal);
    } catch (error) {
      if (!isRefused(error) || error.status !== 410 || attempts === 3) throw error;
      await sleep(100, undefined, { signal });
    }
  }
}

async function listPages<Shape extends ClusterObject>(
  { call }: Connection,
  kind: Kind<Shape>,
  selection: Selection,
  signal: AbortSignal | undefined,
): Promise<Listed<Shape>> {
  const items: Shape[] = [];
  for (let next: string | undefined; ; ) {
    const page = (await call({
      method: 'GET',
      path: collectionPath(kind, selection.namespace),
      query: { ...selectors(selection), limit: pageSize, continue: next },
      act: `list ${describeSelection(kind, selection)}`,
      signal,
    })) as Page;
    // Items of a list do not say what they are.
    const { apiVersion, kind: name } = kind;
    for (const item of page.items ?? []) items.push(withoutManagers({ ...item, apiVersion, kind: name } as Shape));
    next = page.metadata?.continue || undefined;
    if (!next) return { items, resourceVersion: page.metadata?.resourceVersion ?? '' };
  }
}

/** The query of a selection. */
export function selectors({ labels, fields }: Selection): Readonly<Record<string, string | undefined>> {
  return { labelSelector: labels || undefined, fieldSelector: fields || undefined };
}

/** Such as `pods in namespace shop`, for messages. */
export function describeSelection(kind: Kind, { namespace }: Selection): string {
  return `${kind.plural}${kind.namespaced ? (namespace == null ? ' in all namespaces' : ` in namespace ${namespace}`) : ''}`;
}

/** Without the record of who set which field: it is as large as all the rest, and nobody here reads it. */
export function withoutManagers<Shape extends ClusterObject>(object: Shape): Shape {
  if ('managedFields' in object.metadata) delete object.metadata.managedFields;
  return object;
}

import { createHash } from 'node:crypto';
import type { ClusterObject, Wanted } from '@eve/adapter-kubernetes';

/** On what the router made: a digest of what it wanted, and the table that it was of. */
export const routingAnnotation = { rendered: 'eve.dev/rendered', table: 'eve.dev/table' } as const;

/** The same wish with its digest and the table's version on it. */
export function stamped<Shape extends ClusterObject>(wanted: Wanted<Shape>, version: number): Wanted<Shape> {
  const annotations = {
    ...wanted.metadata.annotations,
    [routingAnnotation.rendered]: digestOf(wanted),
    [routingAnnotation.table]: String(version),
  };
  return { ...wanted, metadata: { ...wanted.metadata, annotations } };
}

/** Whether what is there is what is wanted: made by the same wish, and not changed by hand since. */
export function isAsWanted<Shape extends ClusterObject>(there: Shape, wanted: Wanted<Shape>): boolean {
  const { annotations = {}, labels } = there.metadata;
  return (
    annotations[routingAnnotation.rendered] === digestOf(wanted) &&
    holds(annotations, wanted.metadata.annotations ?? {}) &&
    holds(labels, wanted.metadata.labels ?? {}) &&
    // A selector with one more word means something else; elsewhere the API server fills in.
    isSameSelector(specOf(there), specOf(wanted)) &&
    holds(specOf(there), specOf(wanted))
  );
}

function digestOf<Shape extends ClusterObject>(wanted: Wanted<Shape>): string {
  const { labels, annotations } = wanted.metadata;
  const text = JSON.stringify([labels, annotations ?? {}, specOf(wanted)]);
  return createHash('sha256').update(text).digest('hex').slice(0, 16);
}

function specOf(object: object): { readonly selector?: Readonly<Record<string, string>> } {
  // Every kind that is routed by has one.
  return (object as { readonly spec?: object }).spec ?? {};
}

function isSameSelector(there: ReturnType<typeof specOf>, wanted: ReturnType<typeof specOf>): boolean {
  const count = (selector: object | undefined) => Object.keys(selector ?? {}).length;
  return count(there.selector) === count(wanted.selector);
}

/** Whether a value has all of another one. */
function holds(there: unknown, wanted: unknown): boolean {
  if (typeof wanted !== 'object' || wanted === null) return there === wanted;
  if (typeof there !== 'object' || there === null) return false;
  if (Array.isArray(wanted))
    return (
      Array.isArray(there) && there.length === wanted.length && wanted.every((each, index) => holds(there[index], each))
    );
  const values = new Map<string, unknown>(Object.entries(there));
  return Object.entries(wanted).every(([key, value]) => value === undefined || holds(values.get(key), value));
}

import {
  annotation,
  type Cluster,
  type ClusterObject,
  type Deployment,
  type FieldConflict,
  isRefused,
  type Kind,
  kinds,
  type Wanted,
} from '@eve/adapter-kubernetes';

const hashField = `.spec.template.metadata.annotations.${annotation.hash}`;

/**
 * Applies a Deployment. Somebody who went back to a former template, as `kubectl rollout undo` does, holds all fields in which the
 * two differ: every value is Eve's own, so they are taken back. Whoever set a field by hand does not hold Eve's hash, and is heard.
 */
export function applyDeployment(
  cluster: Cluster,
  object: Wanted<Deployment>,
  options: { readonly dryRun?: boolean } = {},
): Promise<Deployment> {
  return unlessForeign(cluster, kinds.Deployment, object, options, (conflicts) => {
    const undoing = new Set(conflicts.filter(({ field }) => field === hashField).map(({ manager }) => manager));
    return conflicts.every(({ manager }) => undoing.has(manager));
  });
}

/** Applies an object whose named fields are Eve's alone to set; about others somebody else may disagree, and is heard. */
export function applyOwn<Shape extends ClusterObject>(
  cluster: Cluster,
  kind: Kind<Shape>,
  object: Wanted<Shape>,
  own: readonly string[],
  options: { readonly dryRun?: boolean } = {},
): Promise<Shape> {
  return unlessForeign(cluster, kind, object, options, (conflicts) =>
    conflicts.every(({ field }) => own.includes(field)),
  );
}

async function unlessForeign<Shape extends ClusterObject>(
  cluster: Cluster,
  kind: Kind<Shape>,
  object: Wanted<Shape>,
  options: { readonly dryRun?: boolean },
  isOwn: (conflicts: readonly FieldConflict[]) => boolean,
): Promise<Shape> {
  try {
    return await cluster.apply(kind, object, options);
  } catch (error) {
    if (!isRefused(error, 'field_conflict') || !isOwn(error.conflicts)) throw error;
    return cluster.apply(kind, object, { ...options, force: true });
  }
}

import { type ClusterObject, isRefused, type Kind, label, type Wanted } from '@eve/adapter-kubernetes';
import { PlatformError } from '@eve/domain';
import type { RoutingTable } from '@eve/operations';
import { isAsWanted, routingAnnotation, stamped } from './difference.ts';
import { routingLabel } from './routing-objects.ts';
import type { RouterSettings } from './settings.ts';
import { refuseOldTable } from './table-fence.ts';

/** Brings objects to what a table wants. One that is refused keeps no other from being brought: `end` tells of it at last. */
export interface ObjectWriter {
  /** Makes and changes; `settle` resolves when a change is in force. */
  bring<Shape extends ClusterObject>(
    kind: Kind<Shape>,
    there: readonly Shape[],
    wanted: readonly Wanted<Shape>[],
    settle?: (made: Wanted<Shape>) => Promise<void>,
  ): Promise<void>;
  /** Removes what is there and not wanted any more. */
  prune<Shape extends ClusterObject>(
    kind: Kind<Shape>,
    there: readonly Shape[],
    wanted: readonly Wanted<Shape>[],
  ): Promise<void>;
  /** Throws that a newer table has come meanwhile; else answers with what was refused. */
  end(): Promise<readonly Refusal[]>;
}

/** What could not be had for one environment. */
export interface Refusal {
  readonly environmentId: string;
  readonly error: PlatformError;
}

const attempts = 5;

/** A writer for one table; it writes nothing where all is as wanted. */
export function objectWriter(settings: RouterSettings, table: RoutingTable, signal?: AbortSignal): ObjectWriter {
  const { cluster } = settings;
  const refusals: Refusal[] = [];
  let hasWritten = false;

  /** Before the first change: a table that was overtaken since changes nothing. */
  async function mayWrite(): Promise<void> {
    signal?.throwIfAborted();
    if (!hasWritten) await refuseOldTable(settings, table);
    hasWritten = true;
  }

  async function bringOne<Shape extends ClusterObject>(
    kind: Kind<Shape>,
    known: Shape | undefined,
    wanted: Wanted<Shape>,
  ): Promise<boolean> {
    const { name, namespace } = wanted.metadata;
    let there = known ?? null;
    for (let attempt = 1; ; attempt++) {
      if (there && isAsWanted(there, wanted)) return false;
      await mayWrite();
      if (!there || attempt > 1) there = await cluster.get(kind, name, namespace);
      if (there) refuseForeign(there, settings, table);
      if (there && isAsWanted(there, wanted)) return false;
      try {
        await cluster.apply(kind, over(there, stamped(wanted, table.version)), { force: kind.kind === 'Service' });
        return true;
      } catch (error) {
        // Somebody else wrote at the same time: what they made is looked at.
        if (!isRefused(error, 'conflict', 'exists') || attempt === attempts) throw error;
      }
    }
  }

  return {
    async bring(kind, there, wanted, settle = async () => {}) {
      await Promise.all(
        wanted.map(async (each) => {
          const known = there.find((other) => isSameObject(other, each));
          try {
            if (await bringOne(kind, known, each)) await settle(each);
          } catch (error) {
            signal?.throwIfAborted();
            // What the API server refuses of one is no reason to leave the others.
            if (!(error instanceof PlatformError) || !ofOneAlone(error)) throw error;
            refusals.push({ environmentId: each.metadata.labels?.[label.environment] ?? '', error });
          }
        }),
      );
    },

    async prune(kind, there, wanted) {
      for (const each of there) {
        const { name, namespace, uid, deletionTimestamp } = each.metadata;
        if (deletionTimestamp || wanted.some((other) => isSameObject(each, other))) continue;
        await mayWrite();
        // What is looked at is of before: a table that has come since may want it, and no version of the object would tell.
        await refuseOldTable(settings, table);
        await cluster.remove(kind, { name, namespace }, { uid });
      }
    },

    async end() {
      if (hasWritten) await refuseOldTable(settings, table);
      return refusals;
    },
  };
}

function ofOneAlone({ code, kind }: PlatformError): boolean {
  return code !== 'lease_lost' && kind !== 'unavailable';
}

function isSameObject(
  { metadata: a }: Pick<ClusterObject, 'metadata'>,
  { metadata: b }: Pick<ClusterObject, 'metadata'>,
) {
  return a.name === b.name && a.namespace === b.namespace;
}

/** A wish for exactly the object that was seen: another change of it meanwhile is noticed. */
function over<Shape extends ClusterObject>(there: Shape | null, wanted: Wanted<Shape>): Wanted<Shape> {
  const { resourceVersion } = there?.metadata ?? {};
  return resourceVersion ? { ...wanted, metadata: { ...wanted.metadata, resourceVersion } } : wanted;
}

function refuseForeign(
  { kind, metadata }: ClusterObject,
  { installation }: RouterSettings,
  { version }: RoutingTable,
): void {
  const { name, namespace, labels = {}, annotations = {} } = metadata;
  const what = `${kind} ${name} in namespace ${namespace}`;
  if (!labels[routingLabel] || labels[label.installation] !== installation)
    throw new PlatformError('cluster_refused', `${what} is there and not the router's.`);
  const newer = Number(annotations[routingAnnotation.table] ?? -1);
  if (newer > version) throw new PlatformError('lease_lost', `${what} is of routing table ${newer} by now.`);
}

import { type ConfigMap, isRefused, kinds, label, objectName, type Wanted } from '@eve/adapter-kubernetes';
import { PlatformError } from '@eve/domain';
import type { RoutingTable } from '@eve/operations';
import type { RouterSettings } from './settings.ts';

type Settings = Pick<RouterSettings, 'cluster' | 'installation' | 'namespace'>;

const attempts = 10;

/** Writes down which table is to be in force, unless a newer one is. Writes nothing when it is this one. */
export async function holdTable(settings: Settings, { version }: Pick<RoutingTable, 'version'>): Promise<void> {
  const { cluster, namespace, installation } = settings;
  const name = fenceName(installation);
  for (let attempt = 1; ; attempt++) {
    const there = await cluster.get(kinds.ConfigMap, name, namespace);
    const inForce = versionOf(there);
    if (inForce > version) throw overtaken(version, inForce);
    if (there && inForce === version) return;
    const labels = { [label.managedBy]: 'eve', [label.installation]: installation };
    const metadata = { name, namespace, labels };
    const wanted: Wanted<ConfigMap> = {
      ...{ apiVersion: 'v1', kind: 'ConfigMap', metadata },
      data: { version: String(version) },
    };
    try {
      if (there) {
        const { resourceVersion } = there.metadata;
        await cluster.patch(kinds.ConfigMap, { name, namespace }, { metadata: { resourceVersion }, data: wanted.data });
      } else await cluster.create(kinds.ConfigMap, wanted);
      return;
    } catch (error) {
      if (isRefused(error, 'not_found') && !there) await makeNamespace(settings);
      else if (!isRefused(error, 'conflict', 'exists')) throw error;
      if (attempt === attempts) throw error;
    }
  }
}

/** Refuses to go on with a table when a newer one has been written down since. */
export async function refuseOldTable(
  { cluster, namespace, installation }: Settings,
  { version }: Pick<RoutingTable, 'version'>,
): Promise<void> {
  const inForce = versionOf(await cluster.get(kinds.ConfigMap, fenceName(installation), namespace));
  if (inForce > version) throw overtaken(version, inForce);
}

async function makeNamespace({ cluster, namespace, installation }: Settings): Promise<void> {
  const labels = { [label.managedBy]: 'eve', [label.installation]: installation };
  await cluster.apply(kinds.Namespace, { apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace, labels } });
}

function fenceName(installation: string): string {
  return objectName(`eve-routing-${installation}`);
}

function versionOf(there: ConfigMap | null): number {
  return Number(there?.data?.version ?? -1);
}

function overtaken(version: number, inForce: number): PlatformError {
  return new PlatformError('lease_lost', `Routing table ${version} is older than ${inForce}, which is in force.`);
}

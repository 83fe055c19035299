import {
  type DockerEngine,
  listContainers,
  listNetworks,
  listVolumes,
  removeNetwork,
  removeVolume,
  volumeSizes,
} from '@eve/adapter-docker';
import type { EnvironmentId } from '@eve/domain';
import type { Stray } from '@eve/operations';
import { label } from './found.ts';
import { stopAndRemove } from './remove.ts';

/** What is on an engine for environments of this installation that there are no more. */
export async function findStrays(
  engine: DockerEngine,
  installation: string,
  environments: readonly EnvironmentId[],
): Promise<Stray[]> {
  const known = new Set<string>(environments);
  const strays = (await ourThings(engine, installation)).filter(
    ({ environmentId }) => environmentId !== null && !known.has(environmentId),
  );
  const sizes = strays.some(({ kind }) => kind === 'volume')
    ? await volumeSizes(engine).catch((): ReadonlyMap<string, number> => new Map())
    : new Map<string, number>();
  return strays.map(({ id, ...stray }) => ({
    ...stray,
    sizeBytes: (stray.kind === 'volume' && sizes.get(id)) || null,
  }));
}

/** Removes a stray; what is not this installation's, or another environment's by now, stays. */
export async function removeStray(
  engine: DockerEngine,
  installation: string,
  { kind, name, environmentId }: Stray,
  signal: AbortSignal,
): Promise<void> {
  const ours = (await ourThings(engine, installation)).filter(
    (each) => each.kind === kind && each.name === name && each.environmentId === environmentId,
  );
  if (environmentId === null) return;
  for (const { id } of ours) {
    if (kind === 'container') await stopAndRemove(engine, id, signal);
    else if (kind === 'network') await removeNetwork(engine, id);
    else await removeVolume(engine, id);
  }
}

type Thing = Omit<Stray, 'sizeBytes'> & { readonly id: string };

/** Containers first: what they use can only be removed after them. */
async function ourThings(engine: DockerEngine, installation: string): Promise<Thing[]> {
  const labels = [`${label.installation}=${installation}`];
  const [containers, networks, volumes] = await Promise.all([
    listContainers(engine, labels),
    listNetworks(engine, labels),
    listVolumes(engine, labels),
  ]);
  const thing = (kind: Stray['kind'], id: string, name: string, owner: string | undefined, createdAt: Date): Thing => {
    // Written by ourselves as an environment's id. Runs that are no environment's have none.
    return { kind, id, name, environmentId: (owner ?? null) as EnvironmentId | null, createdAt };
  };
  const ownerOf = ({ Labels }: { readonly Labels: Readonly<Record<string, string>> }) => Labels[label.environment];
  return [
    ...containers.map((it) =>
      thing('container', it.Id, it.Names[0]?.slice(1) ?? it.Id, ownerOf(it), new Date(it.Created * 1000)),
    ),
    ...networks.map((it) => thing('network', it.Id, it.Name, ownerOf(it), new Date(it.Created))),
    ...volumes.map((it) => thing('volume', it.Name, it.Name, ownerOf(it), new Date(it.CreatedAt))),
  ];
}

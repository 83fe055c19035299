import { createHash } from 'node:crypto';
import { label, type PersistentVolumeClaim, type Wanted } from '@eve/adapter-kubernetes';
import type { DeployTarget } from '@eve/operations';
import type { VolumeSettings } from './context.ts';
import { environmentLabels } from './namespace-objects.ts';

/** A volume's name as Kubernetes takes it; one that had to be changed for that is told from others by a digest. */
export function claimName(volume: string): string {
  const name = volume
    .toLowerCase()
    .replace(/[^a-z0-9-]+/g, '-')
    .replace(/^-+|-+$/g, '')
    .slice(0, 50);
  if (name === volume) return name;
  return `${name || 'volume'}-${createHash('sha256').update(volume).digest('hex').slice(0, 6)}`;
}

/** A volume of an environment: kept unless somebody asks for its removal. */
export function volumeClaim(
  target: Pick<DeployTarget, 'environment'>,
  volume: string,
  { installation, namespace, volumes }: { installation: string; namespace: string; volumes: VolumeSettings },
): Wanted<PersistentVolumeClaim> {
  return {
    apiVersion: 'v1',
    kind: 'PersistentVolumeClaim',
    metadata: {
      name: claimName(volume),
      namespace,
      labels: { ...environmentLabels(target, installation), [label.name]: claimName(volume) },
    },
    spec: {
      accessModes: ['ReadWriteOnce'],
      resources: { requests: { storage: volumes.size } },
      ...(volumes.storageClass !== null && { storageClassName: volumes.storageClass }),
    },
  };
}

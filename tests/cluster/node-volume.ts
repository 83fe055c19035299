import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { kubectl } from './kubectl.ts';

/** A volume on the node, which is this machine, for the first claim that asks for one. Disposing removes it with what it holds. */
export async function nodeVolume(): Promise<AsyncDisposable> {
  const path = await mkdtemp(join(tmpdir(), 'evetest-volume-'));
  await chmod(path, 0o777);
  const name = basename(path).toLowerCase();
  const spec = {
    ...{ capacity: { storage: '20Gi' }, accessModes: ['ReadWriteOnce'], hostPath: { path } },
    persistentVolumeReclaimPolicy: 'Retain',
  };
  const volume = { apiVersion: 'v1', kind: 'PersistentVolume', metadata: { name }, spec };
  await kubectl(['apply', '-f', '-'], JSON.stringify(volume));
  return {
    async [Symbol.asyncDispose]() {
      await kubectl(['delete', 'persistentvolume', name, '--wait=false']);
      await rm(path, { recursive: true, force: true, maxRetries: 10 });
    },
  };
}

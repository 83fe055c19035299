import type { BlobOwner } from '../ports/retention-records.ts';
import type { Planned, RetentionNeeds } from './planned.ts';

/** What was put a moment ago may be named in the next. */
const freshMs = 24 * 60 * 60_000;
const keysAtOnce = 500;
const logsAtOnce = 1_000;

/** Where each kind of blob stands, and by what a record names it. */
const kinds: readonly { owner: BlobOwner; prefix: string; what: string; nameOf(key: string): string }[] = [
  {
    owner: 'source',
    prefix: 'sources',
    what: 'no build and no release is of this commit',
    nameOf: (key) => key.replace(/^sources\//, '').replace(/\.pack$/, ''),
  },
  { owner: 'log', prefix: 'logs', what: 'no log has it', nameOf: (key) => key },
  { owner: 'instance_log', prefix: 'instance-logs', what: 'no environment has it', nameOf: (key) => key },
];

/** Blobs that no record names. */
export async function plannedBlobs({ blobs, store, now }: RetentionNeeds): Promise<readonly Planned[]> {
  const before = new Date(now().getTime() - freshMs);
  const planned: Planned[] = [];
  for (const { owner, prefix, what, nameOf } of kinds) {
    const isNamed = async (key: string) => (await store.retention.named(owner, [nameOf(key)])).length > 0;
    const old: { key: string; sizeBytes: number }[] = [];
    for await (const blob of blobs.list(prefix)) if (blob.modifiedAt < before) old.push(blob);
    for (let from = 0; from < old.length; from += keysAtOnce) {
      const page = old.slice(from, from + keysAtOnce);
      const names = page.map(({ key }) => nameOf(key));
      const named = new Set(await store.retention.named(owner, names));
      for (const { key, sizeBytes } of page.filter((_, index) => !named.has(names[index] ?? ''))) {
        planned.push({
          garbage: { kind: 'blob', id: key, sizeBytes, rule: `blobs: ${what}` },
          async remove() {
            if (await isNamed(key)) return false;
            await blobs.delete(key);
            return true;
          },
        });
      }
    }
  }
  return planned;
}

/** Logs of instances that were removed long ago; their record goes first, so that none names what is gone. */
export async function plannedInstanceLogs({
  store,
  blobs,
  settings,
  now,
}: RetentionNeeds): Promise<readonly Planned[]> {
  const before = new Date(now().getTime() - settings.retention.logsMs);
  return (await store.instanceLogs.older(before, logsAtOnce)).map(({ key, sizeBytes }) => ({
    garbage: { kind: 'instance_log', id: key, sizeBytes, rule: 'logs: older than EVE_RETENTION_LOGS' },
    async remove() {
      await store.instanceLogs.delete(key);
      await blobs.delete(key);
      return true;
    },
  }));
}

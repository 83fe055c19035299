import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import type { EveClient } from '@eve/protocol-rest/client';

/** Waits until something is so; fails after two minutes. */
export async function until(isSo: () => Promise<boolean>): Promise<void> {
  for (const end = Date.now() + 120_000; Date.now() < end; await sleep(50)) if (await isSo()) return;
  assert.fail('It took longer than two minutes.');
}

/** Every event that the installation has recorded. */
export async function allEvents(client: EveClient): Promise<Awaited<ReturnType<EveClient['listEvents']>>['data']> {
  const all = [];
  for (let after = 0; ; ) {
    const { data } = await client.listEvents({ after, limit: 100 });
    all.push(...data);
    const last = data.at(-1);
    if (!last) return all;
    after = last.sequence;
  }
}

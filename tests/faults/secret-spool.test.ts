import assert from 'node:assert/strict';
import { mkdtemp, readdir, readFile, readlink, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { directoryLogSpool } from '@eve/adapter-blobs';
import { PlatformError } from '@eve/domain';
import { type Logs, logWriter, redactor } from '@eve/operations';
import { canary, searchFor } from './canaries.ts';

it('keeps secrets out of the lines that wait on disk while the database is away', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'eve-canary-spool-'));
  const secret = canary('printed', '#"+/\n#&');
  const leaving = new AbortController();
  const append = async () => {
    throw new PlatformError('database_unavailable', 'The database is away.');
  };
  const writer = logWriter(
    // All of the port that a writer uses.
    {
      logs: { append } as unknown as Logs,
      logSpool: directoryLogSpool({ directory, maxBytes: 2 ** 26 }),
      now: () => new Date(),
    },
    { tenantId: 'org_canary', id: 'brun_canary' } as never,
    {
      lease: {} as never,
      attempt: 1,
      redact: redactor([secret.value]),
      signal: leaving.signal,
    },
  );
  const about = { service: 'web', step: null, stream: 'stdout', at: new Date() } as const;
  await writer.print({ ...about, text: 'first' });
  await sleep(300);

  for (let count = 0; count < 3_000; count++) {
    for (const text of [secret.value, Buffer.from(secret.value).toString('base64'), `line ${count}`])
      await writer.print({ ...about, text });
  }

  const waiting = await openFilesOf(directory);
  assert.ok(
    waiting.some((bytes) => bytes.includes('line 99')),
    'lines wait on disk',
  );
  assert.deepEqual(waiting.flatMap(searchFor([secret])), []);
  leaving.abort();
  await writer[Symbol.asyncDispose]();
  await rm(directory, { recursive: true, force: true });
});

/** Files that this process has open in a directory: what waits there has no name. */
async function openFilesOf(directory: string): Promise<Buffer[]> {
  const files: Buffer[] = [];
  for (const name of await readdir('/proc/self/fd')) {
    const path = `/proc/self/fd/${name}`;
    const target = await readlink(path).catch(() => '');
    if (target.startsWith(directory)) files.push(await readFile(path));
  }
  return files;
}

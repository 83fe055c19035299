import { mkdir, mkdtemp, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';

const ownMark = `${process.pid}-${Math.round(performance.timeOrigin).toString(36)}`;
const swept = new Map<string, Promise<void>>();

/**
 * Makes a directory that only we can read. Its name says whose it is, so that those of processes that died
 * are removed when the next one makes its first; secrets may lie in them.
 */
export async function scratchDirectory(parent: string, name: string): Promise<string> {
  await mkdir(parent, { recursive: true, mode: 0o700 });
  const sweeping = swept.get(parent) ?? sweep(parent);
  swept.set(parent, sweeping);
  await sweeping;
  return mkdtemp(join(parent, `${name}-${ownMark}-`));
}

async function sweep(parent: string): Promise<void> {
  for (const entry of await readdir(parent)) {
    const [, pid = '', started = ''] = /^[a-z]+-(\d+)-([0-9a-z]+)-[^-]+$/.exec(entry) ?? [];
    if (!pid || `${pid}-${started}` === ownMark) continue;
    if (Number(pid) === process.pid || !isAlive(Number(pid)))
      await rm(join(parent, entry), { recursive: true, force: true, maxRetries: 3 });
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}

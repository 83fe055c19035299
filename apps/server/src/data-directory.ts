import { randomBytes } from 'node:crypto';
import { chmod, mkdir, open, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { isRunning, processOf } from '@eve/adapter-process';
import { PlatformError } from '@eve/domain';
import { z } from 'zod';

const format = 1;

const installationFile = z.object({
  format: z.number().int(),
  id: z.string().regex(/^[a-z0-9]{6}$/),
  /** Chosen once: what was pushed and deployed names them. */
  ports: z.object({ api: z.number().int(), registry: z.number().int(), router: z.number().int() }),
});

/** An installation's identity, kept in its data directory. */
export type Installation = z.infer<typeof installationFile>;

export interface DataDirectory extends AsyncDisposable {
  readonly path: string;
  readonly installation: Installation;
  /** Whether the installation was made just now. */
  readonly fresh: boolean;
  /** The port that the API had to leave to another program. */
  readonly movedFrom: number | null;
  /** Takes the id on that the database has recorded, where it is another one. */
  adopt(id: string): Promise<void>;
}

/** The ports an operator asked for; null where Eve may choose. */
export interface WantedPorts {
  readonly api: number | null;
  readonly registry: number | null;
  readonly router: number | null;
}

const usualPorts = { api: 4600, registry: 4650, router: 4680 };

/**
 * Opens a data directory for one process: locks it, checks its format, and makes the installation when it is new.
 * Throws `record_changed` while another Eve has it, `request_invalid` for a newer format.
 */
export async function openDataDirectory(path: string, wanted: WantedPorts): Promise<DataDirectory> {
  await mkdir(path, { recursive: true, mode: 0o700 });
  await chmod(path, 0o700);
  const lock = await takeLock(join(path, 'lock'));
  try {
    const file = join(path, 'installation.json');
    const text = await readFile(file, 'utf8').catch(() => null);
    const known = text === null ? null : readInstallation(text, file);
    const usual = wanted.api ?? known?.ports.api ?? usualPorts.api;
    const installation = await withPorts(
      known ?? { format, id: newInstallationId(), ports: { api: 0, registry: 0, router: 0 } },
      wanted,
    );
    if (JSON.stringify(installation) !== JSON.stringify(known)) await writeInstallation(file, installation);
    return {
      path,
      installation,
      fresh: known === null,
      movedFrom: installation.ports.api === usual ? null : usual,
      async adopt(id) {
        if (id !== installation.id) await writeInstallation(file, { ...installation, id });
      },
      [Symbol.asyncDispose]: lock[Symbol.asyncDispose],
    };
  } catch (error) {
    await lock[Symbol.asyncDispose]();
    throw error;
  }
}

/** The installation of a directory that somebody else may hold; null when there is none. */
export async function peekInstallation(path: string): Promise<Installation | null> {
  const file = join(path, 'installation.json');
  const text = await readFile(file, 'utf8').catch(() => null);
  return text === null ? null : readInstallation(text, file);
}

function readInstallation(text: string, file: string): Installation {
  const parsed = installationFile.safeParse(JSON.parse(text));
  if (!parsed.success)
    throw new PlatformError('request_invalid', `${file} is damaged: move it away to begin anew, or restore it.`);
  if (parsed.data.format > format) {
    throw new PlatformError(
      'request_invalid',
      `The data directory has format ${parsed.data.format}, this Eve knows up to ${format}: use a newer Eve.`,
    );
  }
  return parsed.data;
}

async function writeInstallation(file: string, installation: Installation): Promise<void> {
  await writeFile(`${file}.new`, `${JSON.stringify(installation, null, 2)}\n`, { mode: 0o600 });
  await rename(`${file}.new`, file);
}

function newInstallationId(): string {
  return randomBytes(8).toString('hex').slice(0, 6);
}

/** Keeps ports that were chosen before; chooses the usual ones, or free ones, for the rest. */
async function withPorts(installation: Installation, wanted: WantedPorts): Promise<Installation> {
  const chosen: number[] = [];
  const choose = async (name: keyof WantedPorts) => {
    const kept = installation.ports[name];
    // Registry and router may be running already; the API of a locked directory is not.
    const usable = kept !== 0 && (name !== 'api' || (await isFree(kept)));
    const port = wanted[name] ?? (usable ? kept : await freePort(usualPorts[name], chosen));
    chosen.push(port);
    return port;
  };
  return {
    ...installation,
    ports: { api: await choose('api'), registry: await choose('registry'), router: await choose('router') },
  };
}

/** The first free loopback port from a number on. */
export async function freePort(from: number, not: readonly number[] = []): Promise<number> {
  for (let port = from; port < from + 500; port++) {
    if (!not.includes(port) && (await isFree(port))) return port;
  }
  throw new PlatformError('request_invalid', `No free port from ${from} to ${from + 499} on 127.0.0.1.`);
}

/** Whether nothing listens on a loopback port. */
export function isFree(port: number): Promise<boolean> {
  const server = createServer();
  return new Promise((resolve) => {
    server.once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });
}

/** A lock that names its holder by pid and start time, so that one left by a killed process is taken over. */
async function takeLock(file: string): Promise<AsyncDisposable> {
  const mine = `${process.pid} ${(await processOf(process.pid))?.startTime}`;
  for (let attempt = 0; attempt < 5; attempt++) {
    const handle = await open(file, 'wx', 0o600).catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'EEXIST') return null;
      throw error.code === 'ENOSPC'
        ? new PlatformError('disk_full', `There is no space left for ${file}.`, { cause: error })
        : error;
    });
    if (handle) {
      await handle.writeFile(mine);
      await handle.close();
      return {
        async [Symbol.asyncDispose]() {
          if ((await readFile(file, 'utf8').catch(() => '')) === mine) await rm(file, { force: true });
        },
      };
    }
    const [pid = '', startTime = ''] = (await readFile(file, 'utf8').catch(() => '')).split(' ');
    if (startTime !== '' && (await isRunning({ pid: Number(pid), startTime }))) {
      throw new PlatformError(
        'record_changed',
        `Another Eve (process ${pid}) has this data directory: stop it with \`npm stop\`, or set EVE_DATA_DIR.`,
      );
    }
    await rm(file, { force: true });
  }
  throw new PlatformError('record_changed', `The lock ${file} changes hands all the time: is another Eve starting?`);
}

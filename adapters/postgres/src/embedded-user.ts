import { execFile } from 'node:child_process';
import { chown, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';

const execute = promisify(execFile);

/** How PostgreSQL's programs are run: it refuses to run as root. */
export interface Runner {
  /** What stands before a program and its arguments. */
  readonly prefix: readonly string[];
  /** Gives what we wrote to the user that the programs run as. */
  adopt(path: string): Promise<void>;
}

/** As an ordinary user directly; as root in a user namespace of its own, or as an unprivileged user where namespaces are forbidden. */
export async function findRunner({ namespaces = true }: { namespaces?: boolean } = {}): Promise<Runner> {
  if (process.getuid?.() !== 0) return { prefix: [], adopt: async () => {} };
  const namespace = ['unshare', '--user', '--map-user=1000', '--map-group=1000'];
  if (namespaces && (await works([...namespace, 'true']))) return { prefix: namespace, adopt: async () => {} };

  const { uid, gid } = await unprivilegedUser();
  return {
    prefix: ['setpriv', `--reuid=${uid}`, `--regid=${gid}`, '--clear-groups'],
    adopt: (path) => chownAll(path, uid, gid),
  };
}

/** Ends the program when we end, however that happens. Set last, since a change of user takes it back. */
export function endingWithParent(command: readonly string[]): string[] {
  return ['setpriv', '--pdeathsig', 'INT', ...command];
}

async function works([program = '', ...args]: readonly string[]): Promise<boolean> {
  return execute(program, args, { timeout: 5_000 }).then(
    () => true,
    () => false,
  );
}

async function unprivilegedUser(): Promise<{ uid: number; gid: number }> {
  const lines = (await readFile('/etc/passwd', 'utf8')).split('\n').map((line) => line.split(':'));
  for (const wanted of ['postgres', 'nobody', 'daemon']) {
    const entry = lines.find(([name]) => name === wanted);
    if (entry) return { uid: Number(entry[2]), gid: Number(entry[3]) };
  }
  throw new Error(
    'PostgreSQL does not run as root, and there is neither a user namespace nor an unprivileged user to run it as.',
  );
}

async function chownAll(path: string, uid: number, gid: number): Promise<void> {
  await chown(path, uid, gid);
  for (const entry of await readdir(path, { withFileTypes: true, recursive: true }).catch(() => [])) {
    await chown(join(entry.parentPath, entry.name), uid, gid);
  }
}

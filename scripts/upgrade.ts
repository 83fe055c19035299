// The release before the newest migration must go on working on the new schema: during an upgrade both are at work.
// Its own tests of records, queue and logs are run here, from its commit, with the migrations of today.
import { spawn } from 'node:child_process';
import { cp, mkdir, mkdtemp, readdir, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runProgram } from '@eve/adapter-process';
import { root } from './source-files.ts';

const migrations = 'adapters/postgres/migrations';
/** They are about the binaries and about the list of migrations itself. */
const notOfTheSchema = /(?:embedded|migrate|connection)\.test\.ts$/;

async function git(...args: string[]): Promise<string> {
  const { stdout } = await runProgram({ file: 'git', args, cwd: root, env: { PATH: process.env.PATH ?? '' } });
  return stdout.trim();
}

/** The commit whose code does not know the newest migration; what is not committed yet counts as newer than all. */
async function commitBefore(migration: string): Promise<string> {
  const added = await git('log', '--diff-filter=A', '--format=%H', '-1', '--', `${migrations}/${migration}`);
  return added === '' ? git('rev-parse', 'HEAD') : git('rev-parse', `${added}^`);
}

/** Third-party packages are today's, Eve's own are those of the commit. */
async function linkPackages(directory: string): Promise<void> {
  await mkdir(join(directory, 'node_modules', '@eve'), { recursive: true });
  for (const name of await readdir(join(root, 'node_modules'))) {
    if (name !== '@eve') await symlink(join(root, 'node_modules', name), join(directory, 'node_modules', name));
  }
  for (const parent of ['.', 'adapters', 'protocols', 'apps']) {
    for (const entry of await readdir(join(directory, parent), { withFileTypes: true })) {
      const path = join(directory, parent, entry.name, 'package.json');
      const name = entry.isDirectory() ? await nameIn(path) : null;
      if (name?.startsWith('@eve/'))
        await symlink(join(directory, parent, entry.name), join(directory, 'node_modules', name));
    }
  }
}

async function nameIn(path: string): Promise<string | null> {
  const found: { default?: { name?: string } } = await import(path, { with: { type: 'json' } }).catch(() => ({}));
  return found.default?.name ?? null;
}

async function main(): Promise<number> {
  const newest =
    (await readdir(join(root, migrations)))
      .filter((name) => name.endsWith('.sql'))
      .sort()
      .at(-1) ?? '';
  if ((await git('rev-parse', '--is-shallow-repository')) === 'true') {
    process.stdout.write(
      'Not checked: this is a shallow clone, the commit before the newest migration is not in it.\n',
    );
    return 0;
  }
  const commit = await commitBefore(newest);
  const directory = await mkdtemp(join(tmpdir(), 'eve-upgrade-'));
  try {
    const archive = join(directory, 'before.tar');
    await git('archive', '--format=tar', `--output=${archive}`, commit);
    await runProgram({ file: 'tar', args: ['-xf', archive, '-C', directory], env: { PATH: process.env.PATH ?? '' } });
    await cp(join(root, migrations), join(directory, migrations), { recursive: true, force: true });
    await linkPackages(directory);
    const folder = 'adapters/postgres/src';
    const files = (await readdir(join(directory, folder))).filter(
      (name) => name.endsWith('.test.ts') && !notOfTheSchema.test(name),
    );
    process.stdout.write(`The tests of ${commit.slice(0, 8)} on the schema of ${newest}: ${files.join(', ')}\n`);
    const args = [
      '--test',
      '--test-concurrency=1',
      '--test-timeout=120000',
      ...files.map((name) => join(folder, name)),
    ];
    const child = spawn(process.execPath, args, { cwd: directory, stdio: 'inherit' });
    return await new Promise((resolve) => child.once('exit', (code) => resolve(code ?? 1)));
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

process.exitCode = await main();

import { cp, mkdir, readFile, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { systemPath } from '@eve/adapter-process';
import { type RunOptions, runProgram } from './run-program.ts';

const bundled = join(dirname(fileURLToPath(import.meta.url)), '..', '..', '..', 'examples', 'shop');

/** A git repository with the bundled example, as a user would have it. */
export interface ExampleRepository {
  readonly directory: string;
  /** Commits a change of a file's text and returns the commit's id. */
  change(file: string, from: string, to: string, message: string): Promise<string>;
  head(): Promise<string>;
  readFile(file: string): Promise<string>;
}

/** Copies the example into a directory and makes a repository of it; one that is there already is used as it is. */
export async function exampleRepository(directory: string): Promise<ExampleRepository> {
  const git = (...args: string[]) => runProgram('git', ['-C', directory, ...args], gitOptions);
  if (!(await stat(join(directory, '.git')).catch(() => null))) {
    await mkdir(directory, { recursive: true });
    await cp(bundled, directory, {
      recursive: true,
      filter: (path) => !/\/(node_modules|__pycache__|\.venv)(\/|$)/.test(path),
    });
    await git('init', '--quiet', '--initial-branch=main');
    await git('add', '--all');
    await git('commit', '--quiet', '--message', 'The shop');
  }
  const head = async () => (await git('rev-parse', 'HEAD')).trim();
  return {
    directory,
    head,
    readFile: (file) => readFile(join(directory, file), 'utf8'),
    async change(file, from, to, message) {
      const path = join(directory, file);
      const text = await readFile(path, 'utf8');
      if (!text.includes(from)) throw new Error(`The example's ${file} does not hold ${from}.`);
      await writeFile(path, text.replace(from, to));
      await git('commit', '--quiet', '--all', '--message', message);
      return head();
    },
  };
}

const gitOptions: RunOptions = {
  env: {
    PATH: systemPath,
    GIT_CONFIG_GLOBAL: '/dev/null',
    GIT_AUTHOR_NAME: 'Eve',
    GIT_AUTHOR_EMAIL: 'eve@localhost',
    GIT_COMMITTER_NAME: 'Eve',
    GIT_COMMITTER_EMAIL: 'eve@localhost',
  },
};

import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { parseEnv } from 'node:util';
import type { Context } from './context.ts';
import { UsageError } from './failure.ts';
import { readHidden } from './input.ts';

/** The NAME=value lines of a file, `-` being stdin. What it holds is never said. */
export async function variablesOfFile(
  { directory, input }: Pick<Context, 'directory' | 'input'>,
  file: string,
): Promise<Record<string, string>> {
  const text =
    file === '-'
      ? await readHidden(input, 'NAME=value: ')
      : await readFile(resolve(directory, file), 'utf8').catch(() => {
          throw new UsageError(`Cannot read ${resolve(directory, file)}.`);
        });
  const values = Object.entries(parseEnv(text)).filter((entry): entry is [string, string] => entry[1] !== undefined);
  if (values.length === 0)
    throw new UsageError(`There is no NAME=value in ${file === '-' ? 'what stdin gave' : file}.`);
  return Object.fromEntries(values);
}

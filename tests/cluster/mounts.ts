import { readFile } from 'node:fs/promises';
import { tryProgram } from '@eve/adapter-process';

/** Where something is mounted below a directory, the innermost first. */
export async function mountsBelow(directory: string): Promise<string[]> {
  return (await readFile('/proc/self/mounts', 'utf8'))
    .split('\n')
    .map((line) => line.split(' ')[1] ?? '')
    .filter((path) => path.startsWith(`${directory}/`))
    .reverse();
}

/** Unmounts what a killed program left mounted; a directory with mounts cannot be removed. */
export async function unmountBelow(directory: string): Promise<void> {
  for (const path of await mountsBelow(directory)) await tryProgram({ file: 'umount', args: ['-l', path] });
}

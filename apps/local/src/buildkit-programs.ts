import { createHash } from 'node:crypto';
import { access, constants, readFile } from 'node:fs/promises';
import { join } from 'node:path';

export const buildkitVersion = '0.33.1';

/** The Go module that pins BuildKit and all it is made of; `npm run tools -- buildkit` builds it. */
export const buildkitModule = new URL('../../../scripts/tools/buildkit/', import.meta.url);

/** The programs of an own BuildKit. */
export interface BuildkitPrograms {
  readonly buildkitd: string;
  readonly buildctl: string;
  /** Runs steps in the control group of their build. */
  readonly runcInGroup: string;
  /** Holds also the programs of the network of steps. */
  readonly directory: string;
}

/** Where built programs lie: another pinned version, or another source of ours, is another directory. */
export async function buildkitDirectory(cacheDir: string): Promise<string> {
  const hash = createHash('sha256');
  for (const file of ['go.mod', 'go.sum', 'runc-in-group/main.go'])
    hash.update(await readFile(new URL(file, buildkitModule)));
  return join(cacheDir, 'tools', `buildkit-${buildkitVersion}`, hash.digest('hex').slice(0, 12));
}

/** The programs of an own BuildKit where they were built, else null. */
export async function findBuildkit(cacheDir: string): Promise<BuildkitPrograms | null> {
  const directory = await buildkitDirectory(cacheDir).catch(() => null);
  if (directory === null) return null;
  const programs = {
    buildkitd: join(directory, 'buildkitd'),
    buildctl: join(directory, 'buildctl'),
    runcInGroup: join(directory, 'runc-in-group'),
    directory,
  };
  const { directory: _, ...files } = programs;
  const found = await Promise.all(
    Object.values(files).map((file) =>
      access(file, constants.X_OK).then(
        () => true,
        () => false,
      ),
    ),
  );
  return found.every(Boolean) ? programs : null;
}

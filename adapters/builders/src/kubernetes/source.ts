import { createReadStream } from 'node:fs';
import { rm, stat, symlink, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import type { Readable } from 'node:stream';
import { runProgram, scratchDirectory } from '@eve/adapter-process';
import type { ResolvedPlan } from '../client/plan.ts';
import { copyDockerfile } from '../client/scratch.ts';
import { place } from './place.ts';

/** A file with what a build reads of its source; disposing removes it. */
export interface SourceArchive extends AsyncDisposable {
  readonly bytes: number;
  open(): Readable;
}

type Paths = Pick<ResolvedPlan, 'contextPath' | 'dockerfilePath'>;

/** Where a build's parts lie once the archive is unpacked in its pod. */
export function sourcePaths({ dockerfile }: Pick<ResolvedPlan, 'dockerfile'>): Paths {
  return {
    contextPath: `${place.source}/tree/context`,
    dockerfilePath: `${place.source}/tree/dockerfile/${basename(dockerfile)}`,
  };
}

/** Packs a build's context and Dockerfile; the last member says that the archive is whole. */
export async function packSource(plan: ResolvedPlan, workDir: string, signal: AbortSignal): Promise<SourceArchive> {
  const directory = await scratchDirectory(workDir, 'source');
  const remove = () => rm(directory, { recursive: true, force: true, maxRetries: 3 });
  try {
    const file = join(directory, 'archive.tar');
    await copyDockerfile(plan, { directory });
    await symlink(plan.contextPath, join(directory, 'context'));
    await writeFile(join(directory, 'whole'), '');
    const members = ['dockerfile', 'context/.', 'whole'];
    await runProgram({ file: 'tar', args: ['-c', '-f', file, '-C', directory, ...members], signal });
    return { bytes: (await stat(file)).size, open: () => createReadStream(file), [Symbol.asyncDispose]: remove };
  } catch (error) {
    await remove();
    throw error;
  }
}

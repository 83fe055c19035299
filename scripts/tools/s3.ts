import { createHash } from 'node:crypto';
import { access, constants, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ToolOptions } from './go.ts';
import { buildGoPrograms } from './go-programs.ts';

const version = '1.8.0';

/** The Go module that pins Versity's gateway, an S3 server on files that checks what S3 checks. */
const module = new URL('s3/', import.meta.url);
const programs = { versitygw: 'github.com/versity/versitygw/cmd/versitygw' } as const;

/** Builds the S3 server that tests store their blobs in, unless that was done before. Answers with the directory that has it. */
export async function ensureS3(options: ToolOptions): Promise<string> {
  const hash = createHash('sha256');
  for (const file of ['go.mod', 'go.sum']) hash.update(await readFile(new URL(file, module)));
  const place = join(options.cacheDir, 'tools', `s3-${version}`, hash.digest('hex').slice(0, 12));
  const program = join(place, 'versitygw');
  const isThere = () =>
    access(program, constants.X_OK).then(
      () => true,
      () => false,
    );
  if (await isThere()) return place;
  await buildGoPrograms(place, { title: `the S3 server ${version}`, module, programs, stamps: {} }, options);
  if (!(await isThere())) throw new Error(`${place} does not hold the S3 server`);
  return place;
}

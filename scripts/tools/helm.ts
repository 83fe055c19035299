import { createHash } from 'node:crypto';
import { access, constants, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ToolOptions } from './go.ts';
import { buildGoPrograms } from './go-programs.ts';

const version = '4.3.1';

/** The Go module that pins Helm. */
const module = new URL('helm/', import.meta.url);
const programs = { helm: 'helm.sh/helm/v4/cmd/helm' } as const;

/** Builds Helm, which lints and renders the chart in tests, unless that was done before. Answers with the directory that has it. */
export async function ensureHelm(options: ToolOptions): Promise<string> {
  const place = await helmDirectory(options.cacheDir);
  const isThere = () =>
    access(join(place, 'helm'), constants.X_OK).then(
      () => true,
      () => false,
    );
  if (await isThere()) return place;
  const stamps = { 'helm.sh/helm/v4/internal/version.version': `v${version}` };
  await buildGoPrograms(place, { title: `Helm ${version}`, module, programs, stamps }, options);
  if (!(await isThere())) throw new Error(`${place} does not hold Helm`);
  return place;
}

async function helmDirectory(cacheDir: string): Promise<string> {
  const hash = createHash('sha256');
  for (const file of ['go.mod', 'go.sum']) hash.update(await readFile(new URL(file, module)));
  return join(cacheDir, 'tools', `helm-${version}`, hash.digest('hex').slice(0, 12));
}

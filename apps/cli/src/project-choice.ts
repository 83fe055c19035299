import { execFile } from 'node:child_process';
import { appendFile, mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { slugOf } from '@eve/domain';
import { z } from 'zod';
import { UsageError } from './failure.ts';

const link = z.object({ project: z.string().min(1), url: z.string().optional() });

/** Which project is meant, and who said so. */
export interface ProjectChoice {
  readonly project: string;
  readonly from: string;
}

/** The project that a directory, or one above it, belongs to: by `.eve/project.json`, then by its manifest's name. */
export async function projectOfDirectory(directory: string, serverUrl: string): Promise<ProjectChoice | null> {
  for (let here = resolve(directory); ; here = dirname(here)) {
    const file = join(here, '.eve', 'project.json');
    const linked = link.safeParse(asJson(await read(file)));
    if (linked.success && (linked.data.url === undefined || linked.data.url === serverUrl)) {
      return { project: linked.data.project, from: file };
    }
    const manifest = join(here, '.eve', 'manifest.yaml');
    const name = await nameInManifest(await read(manifest));
    if (name !== null) return { project: name, from: manifest };
    if (dirname(here) === here) return null;
  }
}

/** Notes the project of a directory in `.eve/project.json` and keeps that file out of git; answers with the file. */
export async function linkProject(directory: string, projectId: string, serverUrl: string): Promise<string> {
  const file = join(directory, '.eve', 'project.json');
  await mkdir(dirname(file), { recursive: true });
  await writeFile(file, `${JSON.stringify({ project: projectId, url: serverUrl })}\n`);
  await excludeFromGit(directory);
  return file;
}

async function excludeFromGit(directory: string): Promise<void> {
  const git = promisify(execFile);
  try {
    const { stdout } = await git('git', ['-C', directory, 'rev-parse', '--git-path', 'info/exclude']);
    const exclude = resolve(directory, stdout.trimEnd());
    const before = (await read(exclude)) ?? '';
    if (before.split('\n').includes('.eve/project.json')) return;
    await mkdir(dirname(exclude), { recursive: true });
    await appendFile(exclude, `${before === '' || before.endsWith('\n') ? '' : '\n'}.eve/project.json\n`);
  } catch {
    // No git repository: nothing to keep it out of.
  }
}

export function projectUnknown(): UsageError {
  return new UsageError('Which project is not said.', [
    'Name it with --project <id or slug>, or EVE_PROJECT_ID; or make it here: eve project create --repo .',
    'See them all: eve project list',
  ]);
}

async function nameInManifest(text: string | undefined): Promise<string | null> {
  if (text === undefined) return null;
  const { parse } = await import('yaml');
  try {
    const { project, name } = z
      .object({ project: z.string().optional(), name: z.string().optional() })
      .parse(parse(text));
    return project ?? (name === undefined ? null : slugOf(name) || null);
  } catch {
    return null;
  }
}

async function read(file: string): Promise<string | undefined> {
  return readFile(file, 'utf8').catch(() => undefined);
}

function asJson(text: string | undefined): unknown {
  try {
    return text === undefined ? undefined : JSON.parse(text);
  } catch {
    return undefined;
  }
}

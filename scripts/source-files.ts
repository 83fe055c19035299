import { globSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';

/** The root of the checkout. */
export const root = join(dirname(fileURLToPath(import.meta.url)), '..');

const rings = ['domain', 'operations', 'adapters', 'protocols', 'apps', 'scripts', 'tests', 'bench'];

/** A file of this project's own code. */
export interface SourceFile {
  /** From the root of the checkout, such as `domain/src/id.ts`. */
  readonly path: string;
  readonly text: string;
  readonly imports: readonly Import[];
}

export interface Import {
  /** As it is written. */
  readonly name: string;
  /** The file of this project that it leads to; null for Node and npm packages. */
  readonly path: string | null;
  /** Whether it is `import type` or `export type`: nothing of it is there when the code runs. */
  readonly typeOnly: boolean;
}

/** Every TypeScript file of the project by its path. */
export function sourceFiles(): ReadonlyMap<string, SourceFile> {
  const paths = rings.flatMap((ring) =>
    globSync(`${ring}/**/*.ts`, { cwd: root, exclude: (path) => path === 'node_modules' }),
  );
  const workspaces = workspaceEntries();
  return new Map(
    paths
      .filter((path) => !path.includes('node_modules'))
      .sort()
      .map((path) => {
        const text = readFileSync(join(root, path), 'utf8');
        return [path, { path, text, imports: importsOf(path, text, workspaces) }];
      }),
  );
}

/** Every file that a file leads to through its imports, itself included. */
export function reachable(files: ReadonlyMap<string, SourceFile>, from: string): Set<string> {
  const seen = new Set<string>();
  const waiting = [from];
  for (let path = waiting.pop(); path !== undefined; path = waiting.pop()) {
    if (seen.has(path)) continue;
    seen.add(path);
    for (const { path: next, typeOnly } of files.get(path)?.imports ?? []) if (next && !typeOnly) waiting.push(next);
  }
  return seen;
}

const statement = /^(?:import|export)\s+(type\s)?(?:[^'";]*?\sfrom\s+)?'([^']+)'/gm;
const dynamic = /\bimport\('([^']+)'\)/g;

function importsOf(path: string, text: string, workspaces: ReadonlyMap<string, string>): Import[] {
  const code = withoutTemplates(text);
  const fixed = [...code.matchAll(statement)].map(([, type, name = '']) => ({ name, typeOnly: type !== undefined }));
  const late = [...code.matchAll(dynamic)].map(([, name = '']) => ({ name, typeOnly: false }));
  return [...fixed, ...late].map(({ name, typeOnly }) => ({
    name,
    typeOnly,
    path: name.startsWith('.') ? relative(root, join(root, dirname(path), name)) : (workspaces.get(name) ?? null),
  }));
}

/** Programs inside of template strings have imports of their own. */
function withoutTemplates(text: string): string {
  return text.replace(/`(?:\\.|[^`\\])*`/g, '``');
}

const Package = z.object({ name: z.string(), exports: z.record(z.string(), z.string()).optional() });

/** `@eve/domain` → `domain/src/index.ts`, for every entry of every workspace. */
function workspaceEntries(): Map<string, string> {
  const entries = new Map<string, string>();
  for (const file of globSync(['{domain,operations}/package.json', '{adapters,protocols,apps}/*/package.json'], {
    cwd: root,
  })) {
    const { name, exports = {} } = Package.parse(JSON.parse(readFileSync(join(root, file), 'utf8')));
    for (const [entry, target] of Object.entries(exports)) entries.set(join(name, entry), join(dirname(file), target));
  }
  return entries;
}

import { reachable, type SourceFile, sourceFiles } from './source-files.ts';

/** Tests that are run together, and how. */
export interface Suite {
  readonly name: string;
  readonly about: string;
  /** What of the machine has to be prepared: an engine stands for the programs, Docker and its base images. */
  readonly needs: 'nothing' | 's3' | 'engine' | 'buildkit' | 'cluster';
  /** Left out of `npm test`, which has to be quick; `.ci/run` runs it. */
  readonly heavy: boolean;
  /** A program that is one test by its exit code, or test files. */
  readonly run: { readonly program: readonly string[] } | { readonly files: readonly string[] };
  /** How many files run at once, and how long one may take. */
  readonly concurrency: number;
  readonly timeoutMs: number;
}

/** Every suite in the order in which they run; each test file is in one of them. */
export function allSuites(): readonly Suite[] {
  const files = sourceFiles();
  const filesOf = new Map<string, string[]>();
  for (const path of files.keys()) {
    if (!path.endsWith('.test.ts')) continue;
    const name = suiteOf(files, path);
    filesOf.set(name, [...(filesOf.get(name) ?? []), path]);
  }
  const minute = 60_000;
  const suite = (name: string, about: string, needs: Suite['needs'], concurrency: number, minutes: number): Suite => ({
    name,
    about,
    needs,
    run: { files: filesOf.get(name) ?? [] },
    heavy: needs === 's3' || needs === 'buildkit' || needs === 'cluster',
    concurrency,
    timeoutMs: minutes * minute,
  });
  const program = (name: string, about: string, ...words: string[]): Suite => ({
    name,
    about,
    needs: 'nothing',
    run: { program: [process.execPath, ...words] },
    heavy: false,
    concurrency: 1,
    timeoutMs: 5 * minute,
  });
  return [
    program('types', 'the whole of the code type-checks', 'node_modules/typescript/bin/tsc', '--noEmit'),
    program('lint', 'linter and formatter have nothing to say', 'scripts/biome.ts', 'check', '.'),
    suite('unit', 'rules, protocols, the command line, the architecture, the pages', 'nothing', 2, 2),
    suite('database', 'PostgreSQL, and operations on it', 'nothing', 2, 5),
    program('upgrade', 'the code before the newest migration works on the new schema', 'scripts/upgrade.ts'),
    suite('engines', 'every adapter against the real thing', 'engine', 2, 10),
    suite('failures', 'failures provoked for real are told for what they are', 'engine', 1, 15),
    suite('journey', 'Eve as its users have it', 'engine', 1, 20),
    { ...suite('faults', 'killed, stopped and cut off in the middle: one right end', 'engine', 1, 10), heavy: true },
    suite('buildkit', 'builds on the real BuildKit', 'buildkit', 1, 15),
    suite('s3', 'a real S3 server keeps what processes share', 's3', 1, 5),
    // One file at a time: some of them kill the servers that all have in common.
    suite('cluster', 'a real Kubernetes', 'cluster', 1, 15),
  ];
}

/** What starts a BuildKit daemon; the engine's own is old. */
const needBuildkit =
  /\/buildkit\/(?:builder|daemon)\.test\.ts$|\/remote-builder\.test\.ts$|\/buildkit[\w-]*\.test\.ts$/;

/** A test belongs to the suite that has what it needs: by where it stands, else by what it leads to. */
function suiteOf(files: ReadonlyMap<string, SourceFile>, path: string): string {
  if (path.startsWith('tests/cluster/') || path.endsWith('.cluster.test.ts')) return 'cluster';
  if (path.includes('/s3/')) return 's3';
  if (needBuildkit.test(path)) return 'buildkit';
  if (path.startsWith('tests/journeys/')) return 'journey';
  if (path.startsWith('tests/failures/')) return 'failures';
  if (path.startsWith('tests/faults/')) return 'faults';
  if (path.startsWith('tests/registries/')) return 'engines';
  if (path.startsWith('adapters/postgres/')) return 'database';
  if (path.startsWith('apps/local/')) return 'engines';
  // Has openssl make keys, which is one of the programs that an engine comes with.
  if (path === 'apps/server/src/keys.test.ts') return 'engines';
  if (path.startsWith('adapters/')) return 'engines';
  return [...reachable(files, path)].some((it) => it.startsWith('adapters/postgres/testing/')) ? 'database' : 'unit';
}

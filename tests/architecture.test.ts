import assert from 'node:assert/strict';
import { globSync } from 'node:fs';
import { basename } from 'node:path';
import { describe, it } from 'node:test';
import { type Import, root, type SourceFile, sourceFiles } from '../scripts/source-files.ts';

const files = sourceFiles();
const ofRing = (ring: string) => [...files.values()].filter(({ path }) => path.startsWith(`${ring}/`));
const isTest = (path: string) => /\.test\.ts$|^tests\/|\/testing\//.test(path);

/** Pure packages: they do no I/O, and what they answer depends on nothing but what they are given. */
const purePackages = {
  domain: ['semver'],
  operations: ['yaml', 'zod', 'semver', 'node:crypto', 'node:stream', 'node:timers/promises'],
} as const;

/** Adapters that others are made of. */
const sharedAdapters = ['adapters/process/', 'adapters/docker/', 'adapters/kubernetes/'];

describe('the rings', () => {
  it('domain imports itself and pure packages', () => {
    const wrong = wrongImports('domain', (file, { name, path }) => {
      if (isTest(file.path)) return path === null || path.startsWith('domain/');
      return path === null ? isPure('domain', name) : path.startsWith('domain/src/');
    });

    assert.deepEqual(wrong, []);
  });

  it('operations import the domain, themselves and pure packages', () => {
    const wrong = wrongImports('operations', (file, { name, path }) => {
      if (isTest(file.path)) return path === null || /^(domain|operations|adapters)\//.test(path);
      return path === null ? isPure('operations', name) : /^(domain|operations)\/src\//.test(path);
    });

    assert.deepEqual(wrong, []);
  });

  it('adapters import no protocol, no app, and only the shared ones of the others', () => {
    const wrong = wrongImports('adapters', (file, { path }) => {
      if (path === null || /^(domain|operations)\/src\//.test(path) || isInWorkspaceOf(file, path)) return true;
      if (isTest(file.path) && /^operations\/testing\/|^adapters\/[a-z]+\/testing\//.test(path)) return true;
      return sharedAdapters.some((shared) => path.startsWith(`${shared}src/`));
    });

    assert.deepEqual(wrong, []);
  });

  it('protocols import no adapter, no app and no other protocol', () => {
    const wrong = wrongImports('protocols', (file, { path }) => {
      if (path === null || /^(domain|operations)\/src\//.test(path) || isInWorkspaceOf(file, path)) return true;
      return isTest(file.path) && /^(operations|adapters\/[a-z]+)\/testing\/|^adapters\//.test(path);
    });

    assert.deepEqual(wrong, []);
  });

  it('the command line knows the API and no adapter', () => {
    const wrong = wrongImports('apps/cli', (_, { path }) => path === null || !/^(adapters|apps\/(?!cli\/))/.test(path));

    assert.deepEqual(wrong, []);
  });

  it('workspaces are entered by the names of their packages', () => {
    const wrong = [...files.values()]
      .filter(({ path }) => !/^(tests|scripts|bench)\//.test(path))
      .flatMap((file) =>
        file.imports
          .filter(({ name, path }) => name.startsWith('.') && path !== null && !isInWorkspaceOf(file, path))
          // A contract is entered alone: the whole of the testing folder brings a database along.
          .filter(({ path }) => !isTest(file.path) || !path?.startsWith('operations/testing/'))
          .map(({ name }) => `${file.path} → ${name}`),
      );

    assert.deepEqual(wrong, []);
  });

  it('every import of this project leads to a file', () => {
    const wrong = [...files.values()].flatMap(({ path: from, imports }) =>
      imports
        .filter(({ name, path }) => (name.startsWith('@eve/') || name.startsWith('.')) && !isThere(path))
        .map(({ name }) => `${from} → ${name}`),
    );

    assert.deepEqual(wrong, []);
  });

  it('no file leads back to itself through its imports', () => {
    assert.deepEqual(cycles(), []);
  });
});

describe('files', () => {
  it('are at most 300 lines long, tests 600', () => {
    const long = [...files.values()]
      .map(({ path, text }) => ({ path, lines: text.split('\n').length - 1 }))
      .filter(({ path, lines }) => lines > (isTest(path) ? 600 : 300))
      .map(({ path, lines }) => `${path}: ${lines} lines`);

    assert.deepEqual(long, []);
  });

  it('are named after what is in them, in kebab-case', () => {
    const meaningless = /^(utils?|helpers?|common|types?|manager|service|impl)$/;
    const wrong = [...files.keys()].filter((path) => {
      const name = basename(path).replace(/((\.cluster)?\.test|\.fixture)?\.ts$/, '');
      return meaningless.test(name) || !/^[a-z0-9]+(-[a-z0-9]+)*$/.test(name);
    });

    assert.deepEqual(wrong, []);
  });

  it('read the environment only where a process starts', () => {
    const allowed = /^apps\/[a-z]+\/src\/(config|main|stop)\.ts$|^(scripts|tests|bench)\//;
    const wrong = [...files.values()]
      .filter(
        ({ path, text }) => !isTest(path) && !allowed.test(path) && /\bprocess\.env\b/.test(withoutComments(text)),
      )
      .map(({ path }) => path);

    assert.deepEqual(wrong, []);
  });

  it('use neither enum, namespace nor any', () => {
    const forbidden =
      /\bas any\b|[:<,|]\s*any\b\s*[\])>;,=|]|^\s*(export\s+)?(declare\s+)?(const\s+)?(enum|namespace)\s+\w+\s*\{/m;
    const wrong = [...files.values()]
      .filter(({ path, text }) => path !== 'tests/architecture.test.ts' && forbidden.test(withoutComments(text)))
      .map(({ path }) => path);

    assert.deepEqual(wrong, []);
  });

  it('hold SQL only in the adapter for PostgreSQL', () => {
    const statement =
      /\b(select\s[^;]{1,200}?\sfrom\s+[a-z_]+\s+(where|join|order|group|limit)|insert\s+into\s+[a-z_]+\s*\(|delete\s+from\s+[a-z_]+\s|update\s+[a-z_]+\s+set\s)/i;
    const wrong = [...files.values()]
      .filter(
        ({ path, text }) =>
          !path.startsWith('adapters/postgres/') &&
          !isTest(path) &&
          !path.startsWith('bench/') &&
          statement.test(withoutComments(text)),
      )
      .map(({ path }) => path);

    assert.deepEqual(wrong, []);
  });

  it('of the domain and of operations say above each exported function what it does, unless its name asks a question', () => {
    const wrong = [...ofRing('domain/src'), ...ofRing('operations/src')]
      .filter(({ path }) => !isTest(path))
      .flatMap(({ path, text }) => undocumented(text).map((name) => `${path}: ${name}`));

    assert.deepEqual(wrong, []);
  });

  it('of packages belong to a workspace with a source directory', () => {
    const packages = globSync('{domain,operations,adapters/*,protocols/*,apps/*}/package.json', { cwd: root });

    const without = packages.filter((path) => !ofRing(path.replace(/package\.json$/, 'src')).length);

    assert.ok(packages.length > 10);
    assert.deepEqual(without, []);
  });
});

function wrongImports(ring: string, isAllowed: (file: SourceFile, it: Import) => boolean): string[] {
  const found = ofRing(ring);
  assert.ok(found.length > 0, `${ring} has files`);
  return found.flatMap((file) =>
    file.imports.filter((it) => !isAllowed(file, it)).map(({ name }) => `${file.path} → ${name}`),
  );
}

function isPure(ring: keyof typeof purePackages, name: string): boolean {
  return purePackages[ring].some((it) => it === name);
}

function isInWorkspaceOf({ path: from }: SourceFile, path: string): boolean {
  const workspace = /^(?:domain|operations|(?:adapters|protocols|apps)\/[^/]+)\//.exec(from)?.[0] ?? '?';
  return path.startsWith(workspace);
}

function isThere(path: string | null): boolean {
  return path !== null && (files.has(path) || !path.endsWith('.ts'));
}

/** Each chain of imports that closes; types are not there when the code runs. */
function cycles(): string[] {
  const state = new Map<string, 'open' | 'done'>();
  const chain: string[] = [];
  const found: string[] = [];
  const visit = (path: string) => {
    if (state.get(path) === 'done') return;
    if (state.get(path) === 'open') {
      found.push([...chain.slice(chain.indexOf(path)), path].join(' → '));
      return;
    }
    state.set(path, 'open');
    chain.push(path);
    for (const { path: next, typeOnly } of files.get(path)?.imports ?? []) {
      if (next !== null && !typeOnly && files.has(next)) visit(next);
    }
    chain.pop();
    state.set(path, 'done');
  };
  for (const path of files.keys()) visit(path);
  return found;
}

/** Exported functions and classes without a comment right above. */
function undocumented(text: string): string[] {
  const lines = text.split('\n');
  return lines.flatMap((line, index) => {
    const name = /^export (?:async )?(?:function\*?|class) (?!is[A-Z]|has[A-Z]|may[A-Z])(\w+)/.exec(line)?.[1];
    return name !== undefined && !/\*\/\s*$|^\s*\/\//.test(lines[index - 1] ?? '') ? [name] : [];
  });
}

function withoutComments(text: string): string {
  return text.replace(/\/\*[\s\S]*?\*\//g, '').replace(/^\s*\/\/.*$/gm, '');
}

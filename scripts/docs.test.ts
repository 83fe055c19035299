import assert from 'node:assert/strict';
import { access, glob, readFile } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { test } from 'node:test';
import { root, stalePages } from './docs.ts';

interface Page {
  readonly path: string;
  readonly text: string;
}

test('the pages that are made from code say what the code says now', async () => {
  const stale = await stalePages();

  assert.deepEqual(stale, [], 'run `node scripts/docs.ts`');
});

test('every link of a page leads to a file and to a heading that is there', async () => {
  const pages = await allPages();

  const broken = (await Promise.all(pages.map(brokenLinksOf))).flat();

  assert.deepEqual(broken, []);
});

test('every code path that the architecture names is there', async () => {
  const { text } = await page(join(root, 'docs', 'architecture.md'));
  const named = [...withoutBlocks(text).matchAll(/`((?:domain|operations|adapters|protocols|apps)\/[\w./-]+)`/g)];

  const missing = (
    await Promise.all(named.map(async ([, path = '']) => ((await exists(join(root, path))) ? [] : [path])))
  ).flat();

  assert.ok(named.length > 20);
  assert.deepEqual(missing, []);
});

test('the pages name no machine of a package registry', async () => {
  const pages = await allPages();

  const naming = pages.filter(({ text }) => /registry\.npmjs|proxy\.golang|pypi\.org|deb\.debian\.org/.test(text));

  assert.deepEqual(
    naming.map(({ path }) => path),
    [],
  );
});

test('the page about benchmarks has a row for each of them', async () => {
  const { text } = await page(join(root, 'docs', 'benchmarks.md'));
  const { text: code } = await page(join(root, 'bench', 'main.ts'));
  const table = /^const benches[^\n]*\{\n([\s\S]*?)^\};$/m.exec(code)?.[1] ?? '';
  const names = [...table.matchAll(/^ {2}'?([\w-]+)'?: \{ run/gm)].map(([, name = '']) => name);

  const rows = new Set(
    [...text.replace(/^## Seen[\s\S]*/m, '').matchAll(/^\| `([\w-]+)` /gm)].map(([, name = '']) => name),
  );

  assert.ok(names.length > 20);
  assert.deepEqual(
    names.filter((name) => !rows.has(name)),
    [],
  );
});

async function allPages(): Promise<Page[]> {
  const paths: string[] = [];
  for (const pattern of ['*.md', 'docs/**/*.md', 'examples/*/*.md']) {
    for await (const found of glob(pattern, { cwd: root })) paths.push(join(root, found));
  }
  return Promise.all(paths.map(page));
}

async function page(path: string): Promise<Page> {
  return { path, text: await readFile(path, 'utf8') };
}

async function brokenLinksOf({ path, text }: Page): Promise<string[]> {
  const links = [...withoutBlocks(text).matchAll(/\[[^\]]*\]\(([^)\s]+)\)/g)].map(([, target = '']) => target);
  const broken: string[] = [];
  for (const target of links.filter((each) => !/^[a-z]+:/.test(each))) {
    const [file = '', anchor] = target.split('#');
    const place = file === '' ? path : join(dirname(path), file);
    const there = await exists(place);
    if (!there || (anchor !== undefined && !headingsOf((await page(place)).text).has(anchor))) {
      broken.push(`${relative(root, path)}: ${target}`);
    }
  }
  return broken;
}

/** The anchors of a page's headings, as code hosts make them. */
function headingsOf(text: string): Set<string> {
  const headings = [...withoutBlocks(text).matchAll(/^#{1,6} (.+)$/gm)].map(([, heading = '']) => heading);
  return new Set(
    headings.map((heading) =>
      heading
        .toLowerCase()
        .replace(/[^\p{L}\p{N} _-]/gu, '')
        .replaceAll(' ', '-'),
    ),
  );
}

function withoutBlocks(text: string): string {
  return text.replace(/^```[\s\S]*?^```$/gm, '');
}

function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}

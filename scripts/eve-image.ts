import { execFileSync } from 'node:child_process';
import { chmod, copyFile, mkdir, mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { Builder, ImageBuildPlan } from '@eve/operations';
import { root } from './source-files.ts';

export interface EveImageOptions {
  readonly builder: Builder;
  /** Full reference, with a registry that the builder may push to. */
  readonly tag: string;
  /** What the image stands on, and where Node is taken from. */
  readonly baseImage?: string;
  readonly nodeImage?: string;
  readonly noCache?: boolean;
  readonly say: (line: string) => void;
  readonly signal: AbortSignal;
}

const lease = { workId: 'work_01k0000000000000000000000', fence: 1 } as const;

/** Builds Eve's image with one of Eve's own builders and pushes it. Answers with its digest, which is the same for the same files. */
export async function buildEveImage({ builder, signal, say, ...options }: EveImageOptions): Promise<string> {
  const sourceDir = await mkdtemp(join(tmpdir(), 'eve-image-'));
  try {
    await copySources(sourceDir);
    const ref = await builder.ensure(plan(sourceDir, options), lease);
    for await (const event of builder.follow(ref, null, signal)) {
      if (event.type === 'log') say(event.text);
      if (event.type === 'failed') throw new Error([event.failure.message, ...event.failure.tail].join('\n'));
      if (event.type === 'pushed') return event.digest;
    }
    throw new Error('The build ended without a digest.');
  } finally {
    await rm(sourceDir, { recursive: true, force: true });
  }
}

function plan(
  sourceDir: string,
  { tag, baseImage, nodeImage, noCache = false }: Pick<EveImageOptions, 'tag' | 'baseImage' | 'nodeImage' | 'noCache'>,
): ImageBuildPlan {
  return {
    name: `eve-image-${process.pid}-${Date.now()}`,
    runId: 'brun_01k0000000000000000000000',
    service: 'eve',
    organisation: 'eve',
    output: 'push',
    sourceDir,
    context: '.',
    dockerfile: 'deploy/image/Dockerfile',
    dockerfileText: null,
    target: null,
    args: { ...(baseImage && { BASE_IMAGE: baseImage }), ...(nodeImage && { NODE_IMAGE: nodeImage }) },
    labels: { 'org.opencontainers.image.title': 'Eve', 'org.opencontainers.image.licenses': 'Apache-2.0' },
    platforms: [],
    tags: [tag],
    secrets: [],
    logins: [],
    sourceDateEpoch: commitTime(),
    noCache,
    cacheFrom: [],
    cacheTo: [],
    provenance: false,
    sbomScanner: null,
    limits: { memoryBytes: null, cpus: null },
  };
}

/** What a commit of the work tree would hold, with the modes that a checkout gives everywhere. */
async function copySources(directory: string): Promise<void> {
  const listed = git('ls-files', '-z', '--cached', '--others', '--exclude-standard', '--deduplicate').split('\0');
  for (const path of listed.filter((it) => it !== '')) {
    const found = await stat(join(root, path)).catch(() => null);
    if (!found?.isFile()) continue;
    const target = join(directory, path);
    await mkdir(dirname(target), { recursive: true, mode: 0o755 });
    await copyFile(join(root, path), target);
    await chmod(target, found.mode & 0o100 ? 0o755 : 0o644);
  }
}

function commitTime(): number {
  return Number(git('log', '-1', '--format=%ct'));
}

function git(...args: string[]): string {
  return execFileSync('git', args, { cwd: root, encoding: 'utf8', maxBuffer: 64 * 1024 * 1024 });
}

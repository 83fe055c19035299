import { readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { isDigest } from '@eve/domain';
import type { BuildEvent } from '@eve/operations';
import type { Build } from './builds.ts';
import type { GroupSample } from './control-group.ts';
import { classifyFailure } from './failure.ts';
import type { Scratch } from './scratch.ts';

const sampleEveryMs = 1_000;
const nearlyAll = 0.8;

/** What happens in a build, from its client's first word to its end; then nothing of it is left. */
export async function* buildEvents(build: Build): AsyncGenerator<BuildEvent> {
  const { program, progress, scratch, plan, group } = build;
  try {
    yield* outputEvents(build);
    const { events, ...evidence } = await progress.end();
    yield* events;
    const { code } = await program.ended;
    const memory = await group?.sample();
    if (memory) yield { type: 'usage', usage: memory.usage };
    if (code === 0 && !build.stopped) {
      if (plan.output === 'none') yield { type: 'passed' };
      else yield { type: 'pushed', digest: await pushedDigest(scratch) };
      return;
    }
    const { service } = plan;
    const cause = { ...evidence, program: build.name, exitCode: code, service, stopped: build.stopped };
    yield { type: 'failed', failure: classifyFailure({ ...cause, memory: memory ?? null }) };
  } finally {
    await program.stop();
    await group?.[Symbol.asyncDispose]();
    await scratch[Symbol.asyncDispose]();
  }
}

/** Steps and logs as the client tells them, and once a second what the build uses. */
async function* outputEvents({ program, progress, group }: Build): AsyncGenerator<BuildEvent> {
  const chunks: AsyncIterator<Buffer> = program.stderr[Symbol.asyncIterator](); // no encoding was set
  const told = memoryWarnings();
  const sampler = group && (async () => told(await group.sample()));
  let next = chunks.next();
  let due = Date.now() + sampleEveryMs;
  for (;;) {
    if (sampler && Date.now() >= due) {
      yield* await sampler();
      due = Date.now() + sampleEveryMs;
    }
    const got = sampler ? await withinTime(next, due - Date.now()) : await next;
    if (got === null) continue;
    if (got.done) return;
    next = chunks.next();
    yield* await progress.push(got.value);
  }
}

async function withinTime<T>(promise: Promise<T>, ms: number): Promise<T | null> {
  const timer = new AbortController();
  const late = sleep(Math.max(0, ms), null, { signal: timer.signal }).catch(() => null);
  try {
    return await Promise.race([promise, late]);
  } finally {
    timer.abort();
  }
}

/** Tells what a build uses, and warns once before the hard limit ends a step. */
export function memoryWarnings(): (sample: GroupSample) => BuildEvent[] {
  let warned = false;
  return (sample) => {
    const events: BuildEvent[] = [{ type: 'usage', usage: sample.usage }];
    if (!warned && nearlyFull(sample)) {
      warned = true;
      const text = `warning: the build's steps use ${mebibytes(sample.memoryBytes)} of the ${mebibytes(sample.limitBytes ?? 0)} of memory that the build may use`;
      events.push({ type: 'log', step: null, stream: 'stderr', text, at: new Date() });
    }
    return events;
  };
}

function nearlyFull({ memoryBytes, limitBytes }: GroupSample): boolean {
  return limitBytes !== null && memoryBytes > nearlyAll * limitBytes;
}

function mebibytes(bytes: number): string {
  return `${Math.ceil(bytes / 1_048_576)} MiB`;
}

/** Of a pushed image this is the manifest's digest; of one that was not, it would be the image's id. */
async function pushedDigest({ metadataFile }: Scratch): Promise<string> {
  const metadata: unknown = JSON.parse(await readFile(metadataFile, 'utf8'));
  const digest = metadata && typeof metadata === 'object' && Reflect.get(metadata, 'containerimage.digest');
  if (typeof digest !== 'string' || !isDigest(digest)) throw new Error('the client has not told the image’s digest');
  return digest;
}

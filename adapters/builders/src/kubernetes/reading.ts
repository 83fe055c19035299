import type { ContainerPlace } from '@eve/adapter-kubernetes';
import type { GroupSample } from '../client/control-group.ts';
import type { JobOptions } from './options.ts';
import { readBytes, readProgress } from './pod-scripts.ts';

/** One thing that a build's pod told. */
export type Told =
  | { readonly type: 'progress'; readonly chunk: Buffer }
  | { readonly type: 'sample'; readonly sample: GroupSample }
  | { readonly type: 'end'; readonly end: BuildEnd };

/** How the build's client ended. */
export interface BuildEnd {
  /** `source` or `daemon` for what never came, else an exit code. */
  readonly code: string;
  readonly digest: string | null;
}

/** Reads progress in the pod from a byte on until the build has ended, the connection breaks or enough was read. */
export async function* readPod(
  { cluster }: Pick<JobOptions, 'cluster'>,
  place: ContainerPlace,
  offset: number,
  limitBytes: number | null,
  signal: AbortSignal,
): AsyncGenerator<Told> {
  const told: Told[] = [];
  let wake = () => {};
  let rest = '';
  const onOutput = (chunk: Buffer, stream: 'stdout' | 'stderr') => {
    if (stream === 'stdout') told.push({ type: 'progress', chunk });
    else {
      const lines = (rest + chunk.toString('utf8')).split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) told.push(...read(line, limitBytes));
    }
    wake();
  };
  let running = true;
  const command = ['sh', '-c', readProgress, 'eve', String(offset), String(readBytes)];
  const ended = cluster.exec(place, command, { onOutput }, signal).finally(() => {
    running = false;
    wake();
  });
  ended.catch(() => {}); // awaited below
  for (;;) {
    const next = told.shift();
    if (next) yield next;
    else if (running) await new Promise<void>((resolve) => (wake = resolve));
    else break;
  }
  await ended;
}

function read(line: string, limitBytes: number | null): Told[] {
  const [word, ...rest] = line.trim().split(' ');
  if (word === 'end') return [{ type: 'end', end: endOf(rest.join(' ')) }];
  return word === 'usage' ? [{ type: 'sample', sample: sampleOf(rest, limitBytes) }] : [];
}

/** What the client left as its end: a word or code, and the digest of what was pushed. */
export function endOf(text: string): BuildEnd {
  const [code = '', digest] = text.trim().split(' ');
  return { code, digest: digest && /^sha256:[0-9a-f]{64}$/.test(digest) ? digest : null };
}

function sampleOf(words: readonly string[], limitBytes: number | null): GroupSample {
  const value = (name: string) => Number(words[words.indexOf(name) + 1]) || 0;
  const usage = {
    peakMemoryBytes: value('peak'),
    cpuMs: Math.round(value('cpu') / 1e6),
    diskReadBytes: 0,
    diskWrittenBytes: 0,
  };
  const memoryBytes = Math.max(0, value('memory') - value('cache'));
  return { usage, memoryBytes, limitBytes, limitMet: value('kills') > 0 };
}

/** What the kubelet keeps of a container's output, from a byte on: the same bytes as the file's, for whoever comes too late for that. */
export async function* readLog(
  { cluster }: Pick<JobOptions, 'cluster'>,
  place: ContainerPlace,
  offset: number,
  follow: boolean,
  signal: AbortSignal,
): AsyncGenerator<Told> {
  let before = offset;
  for await (const { text } of cluster.logs(place, { follow }, signal)) {
    const chunk = Buffer.from(`${text}\n`, 'utf8');
    if (before < chunk.length) yield { type: 'progress', chunk: chunk.subarray(before) };
    before = Math.max(0, before - chunk.length);
  }
}

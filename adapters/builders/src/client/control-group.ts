import { createHash } from 'node:crypto';
import { access, mkdir, readdir, readFile, rmdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { BuildUsage } from '@eve/domain';
import type { ImageBuildPlan } from '@eve/operations';

/** What a build's steps use, as the kernel counts it. */
export interface GroupSample {
  readonly usage: BuildUsage;
  /** Now, without what the kernel can take back at once. */
  readonly memoryBytes: number;
  readonly limitBytes: number | null;
  /** Whether the limit was met; with a step that was killed this is the reason. */
  readonly limitMet: boolean;
}

/** The kernel's group that all steps of one build run in; disposing removes it. */
export interface ControlGroup extends AsyncDisposable {
  readonly name: string;
  sample(): Promise<GroupSample>;
}

const root = '/sys/fs/cgroup';
const period = 100_000;
/** The kernel charges memory in small batches. */
const nearLimitBytes = 262_144;
const controllers = { v1: ['memory', 'cpu', 'cpuacct', 'blkio'], v2: [''] } as const;

/** Which of the kernel's two kinds of groups this machine has with memory in them, if we may make some. */
export async function groupsOfMachine(): Promise<'v1' | 'v2' | null> {
  if (process.platform !== 'linux' || process.getuid?.() !== 0) return null;
  const unified = await readFile(join(root, 'cgroup.controllers'), 'utf8').catch(() => '');
  if (/\bmemory\b/.test(unified)) return 'v2';
  const found = access(join(root, 'memory/memory.limit_in_bytes')).then(
    () => 'v1' as const,
    () => null,
  );
  return found;
}

/** Makes the group of one build below that of its daemon and holds it to the limits. */
export async function openControlGroup(
  parent: string,
  name: string,
  limits: ImageBuildPlan['limits'],
): Promise<ControlGroup | null> {
  const kind = await groupsOfMachine();
  if (kind === null) return null;
  const place = (controller: string) => join(root, controller, parent, name);
  for (const controller of controllers[kind]) {
    if (kind === 'v2') await passOn(parent);
    await mkdir(place(controller), { recursive: true });
  }
  const set = (controller: string, values: Readonly<Record<string, string>>) =>
    Promise.all(Object.entries(values).map(([file, value]) => writeFile(join(place(controller), file), value)));
  const { memoryBytes, cpus } = limits;
  if (kind === 'v2') {
    await passOn(join(parent, name));
    if (memoryBytes !== null)
      await set('', { 'memory.max': `${memoryBytes}`, 'memory.high': `${softLimit(memoryBytes)}` });
    if (memoryBytes !== null) await set('', { 'memory.swap.max': '0' }).catch(() => {}); // there may be no swap
    if (cpus !== null) await set('', { 'cpu.max': `${Math.round(cpus * period)} ${period}` });
  } else {
    if (memoryBytes !== null) {
      await set('memory', { 'memory.limit_in_bytes': `${memoryBytes}` });
      await set('memory', { 'memory.soft_limit_in_bytes': `${softLimit(memoryBytes)}` });
      await set('memory', { 'memory.memsw.limit_in_bytes': `${memoryBytes}` }).catch(() => {}); // not every kernel counts swap
    }
    if (cpus !== null)
      await set('cpu', { 'cpu.cfs_period_us': `${period}`, 'cpu.cfs_quota_us': `${Math.round(cpus * period)}` });
  }
  const sample = kind === 'v2' ? sampler2(place('')) : sampler1(place);
  return {
    name,
    sample: async () => ({ ...(await sample()), limitBytes: memoryBytes }),
    async [Symbol.asyncDispose]() {
      for (const controller of controllers[kind]) await removeGroup(place(controller));
    },
  };
}

/** Above this the kernel takes memory back, and slows down, before the hard limit ends a step. */
function softLimit(memoryBytes: number): number {
  return Math.floor(memoryBytes * 0.9);
}

/** A version 2 group counts only what its parents pass on. */
async function passOn(group: string): Promise<void> {
  const parts = group.split('/').filter(Boolean);
  for (let depth = 0; depth <= parts.length; depth += 1) {
    const place = join(root, ...parts.slice(0, depth));
    await mkdir(place, { recursive: true });
    await writeFile(join(place, 'cgroup.subtree_control'), '+memory +cpu +io');
  }
}

type Sample = Omit<GroupSample, 'limitBytes'>;

function sampler2(place: string): () => Promise<Sample> {
  return async () => {
    const [peak, now, stat, events, cpu, io] = await Promise.all(
      ['memory.peak', 'memory.current', 'memory.stat', 'memory.events', 'cpu.stat', 'io.stat'].map((file) =>
        readText(join(place, file)),
      ),
    );
    const disk = [...(io ?? '').matchAll(/\b(rbytes|wbytes)=(\d+)/g)];
    const sum = (name: string) => disk.reduce((total, [, of, bytes]) => total + (of === name ? Number(bytes) : 0), 0);
    return {
      usage: {
        peakMemoryBytes: Number(peak ?? now ?? 0),
        cpuMs: Math.round(counter(cpu, 'usage_usec') / 1_000),
        diskReadBytes: sum('rbytes'),
        diskWrittenBytes: sum('wbytes'),
      },
      memoryBytes: Math.max(0, Number(now ?? 0) - counter(stat, 'file')),
      limitMet: counter(events, 'oom_kill') > 0,
    };
  };
}

/** Version 1 forgets what a step's group read and wrote when the step ends, so each step's last count is kept. */
function sampler1(place: (controller: string) => string): () => Promise<Sample> {
  const disk = new Map<string, { read: number; written: number }>();
  return async () => {
    const memory = place('memory');
    const [peak, limit, now, stat, cpu, steps] = await Promise.all([
      readText(join(memory, 'memory.max_usage_in_bytes')),
      readText(join(memory, 'memory.limit_in_bytes')),
      readText(join(memory, 'memory.usage_in_bytes')),
      readText(join(memory, 'memory.stat')),
      readText(join(place('cpuacct'), 'cpuacct.usage')),
      readdir(place('blkio'), { withFileTypes: true }).catch(() => []),
    ]);
    for (const step of steps.filter((entry) => entry.isDirectory())) {
      const text = await readText(join(place('blkio'), step.name, 'blkio.throttle.io_service_bytes_recursive'));
      if (text !== null) disk.set(step.name, { read: bytesOf(text, 'Read'), written: bytesOf(text, 'Write') });
    }
    const counts = [...disk.values()];
    return {
      usage: {
        peakMemoryBytes: Number(peak ?? 0),
        cpuMs: Math.round(Number(cpu ?? 0) / 1_000_000),
        diskReadBytes: counts.reduce((total, { read }) => total + read, 0),
        diskWrittenBytes: counts.reduce((total, { written }) => total + written, 0),
      },
      memoryBytes: Math.max(0, Number(now ?? 0) - counter(stat, 'total_cache')),
      // The counts of failures and of kills are kept by the steps' own groups, which are gone by now.
      limitMet: peak !== null && limit !== null && Number(peak) >= Number(limit) - nearLimitBytes,
    };
  };
}

function readText(file: string): Promise<string | null> {
  return readFile(file, 'utf8').then(
    (text) => text,
    () => null,
  );
}

function counter(text: string | null | undefined, name: string): number {
  return Number(new RegExp(`^${name} (\\d+)$`, 'm').exec(text ?? '')?.[1] ?? 0);
}

function bytesOf(text: string, operation: string): number {
  return [...text.matchAll(new RegExp(`^\\d+:\\d+ ${operation} (\\d+)$`, 'gm'))].reduce(
    (total, [, bytes]) => total + Number(bytes),
    0,
  );
}

/** Removes the groups of a daemon that was stopped. */
export async function removeGroups(parent: string): Promise<void> {
  const kind = await groupsOfMachine();
  for (const controller of kind ? controllers[kind] : []) {
    const place = join(root, controller, parent);
    for (const entry of await readdir(place, { withFileTypes: true }).catch(() => []))
      if (entry.isDirectory()) await removeGroup(join(place, entry.name));
    await removeGroup(place);
  }
}

/** From the inside out; a step that was told to end may take a moment. */
async function removeGroup(place: string): Promise<void> {
  for (let tries = 0; tries < 40; tries += 1) {
    const below = await readdir(place, { withFileTypes: true }).catch(() => null);
    if (below === null) return;
    for (const entry of below) if (entry.isDirectory()) await rmdir(join(place, entry.name)).catch(() => {});
    const gone = await rmdir(place).then(
      () => true,
      () => false,
    );
    if (gone) return;
    await sleep(50);
  }
}

/** The name of a build's group: short, and with nothing in it that a path could be made of. */
export function groupName(planName: string): string {
  return `build-${createHash('sha256').update(planName).digest('hex').slice(0, 24)}`;
}

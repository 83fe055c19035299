import type { BuildLimits } from './build-run.ts';
import type { BuildInputs } from './build-spec.ts';
import type { BuildSettings } from './manifest.ts';
import { type Tier, tierLimits } from './tier.ts';

/** Memory and CPUs that are there. */
export interface Capacity {
  readonly memoryBytes: number;
  readonly cpus: number;
}

/** What a build may use at most: as a whole and each of its services, and where the manifest asked for more. */
export interface AllowedLimits {
  readonly run: BuildLimits;
  /** What its services share. */
  readonly whole: Capacity;
  readonly services: Readonly<Record<string, Capacity>>;
  readonly notes: readonly string[];
}

type Asking = { readonly name: string; readonly build: Pick<BuildSettings, 'resources' | 'timeoutMs'> | null };

/** The tenant's share of one build, lowered where the machine has less or the manifest asks for less, never raised. */
export function allowedLimits(
  tier: Tier,
  services: readonly Asking[],
  inputs: Pick<BuildInputs, 'timeoutMs'> | null,
  machine: Capacity | null = null,
): AllowedLimits {
  const { memoryBytesPerBuild, cpusPerBuild, buildTimeoutMs } = tierLimits[tier];
  const whole = {
    memoryBytes: Math.min(memoryBytesPerBuild, machine?.memoryBytes ?? memoryBytesPerBuild),
    cpus: Math.min(cpusPerBuild, machine?.cpus ?? cpusPerBuild),
  };
  const ofTier = `a build of the tier ${tier} has`;
  const ofMachine = 'this machine has';
  const notes: string[] = [];
  const least = (
    asked: number | null | undefined,
    limit: number,
    what: string,
    shown: (amount: number) => string,
    whose = ofTier,
  ) => {
    if (asked && asked > limit) notes.push(`${what} asks for ${shown(asked)}; ${whose} ${shown(limit)} at most`);
    return asked ? Math.min(asked, limit) : limit;
  };
  const memoryOf = whole.memoryBytes < memoryBytesPerBuild ? ofMachine : ofTier;
  const cpusOf = whole.cpus < cpusPerBuild ? ofMachine : ofTier;
  const each = services.map(({ name, build }) => {
    const { memoryBytes, cpus } = build?.resources ?? {};
    return {
      name,
      memoryBytes: least(memoryBytes, whole.memoryBytes, `${name}: build.resources.memory`, showMemory, memoryOf),
      cpus: least(cpus, whole.cpus, `${name}: build.resources.cpus`, (amount) => `${amount} CPUs`, cpusOf),
    };
  });
  const longest = Math.max(0, ...services.map(({ build }) => build?.timeoutMs ?? 0));
  const [asked, setting] = inputs?.timeoutMs ? [inputs.timeoutMs, 'inputs.timeout'] : [longest, 'build.timeout'];
  const timeoutMs = least(asked, buildTimeoutMs, setting, showSeconds);
  return {
    run: {
      memoryBytes: Math.max(0, ...each.map(({ memoryBytes }) => memoryBytes)) || whole.memoryBytes,
      cpus: Math.max(0, ...each.map(({ cpus }) => cpus)) || whole.cpus,
      timeoutMs,
    },
    whole,
    services: Object.fromEntries(each.map(({ name, ...limits }) => [name, limits])),
    notes,
  };
}

/** A duration as messages about limits show it. */
export function showSeconds(ms: number): string {
  return `${Math.round(ms / 100) / 10} s`;
}

function showMemory(bytes: number): string {
  return `${Math.round(bytes / 1024 ** 2)} MiB`;
}

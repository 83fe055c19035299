import type { BuildLimits } from './build-run.ts';
import type { BuildInputs } from './build-spec.ts';
import type { BuildSettings } from './manifest.ts';
import { type Tier, tierLimits } from './tier.ts';

/** What a build may use at most: as a whole and each of its services, and where the manifest asked for more. */
export interface AllowedLimits {
  readonly run: BuildLimits;
  readonly services: Readonly<Record<string, { readonly memoryBytes: number; readonly cpus: number }>>;
  readonly notes: readonly string[];
}

type Asking = { readonly name: string; readonly build: Pick<BuildSettings, 'resources' | 'timeoutMs'> | null };

/** The tenant's share of one build, lowered where the manifest asks for less, never raised. */
export function allowedLimits(
  tier: Tier,
  services: readonly Asking[],
  inputs: Pick<BuildInputs, 'timeoutMs'> | null,
): AllowedLimits {
  const { memoryBytesPerBuild, cpusPerBuild, buildTimeoutMs } = tierLimits[tier];
  const notes: string[] = [];
  const least = (asked: number | null | undefined, limit: number, what: string, shown: (amount: number) => string) => {
    if (asked && asked > limit)
      notes.push(`${what} asks for ${shown(asked)}; a build of the tier ${tier} has ${shown(limit)} at most`);
    return asked ? Math.min(asked, limit) : limit;
  };
  const each = services.map(({ name, build }) => {
    const { memoryBytes, cpus } = build?.resources ?? {};
    return {
      name,
      memoryBytes: least(memoryBytes, memoryBytesPerBuild, `${name}: build.resources.memory`, showMemory),
      cpus: least(cpus, cpusPerBuild, `${name}: build.resources.cpus`, (amount) => `${amount} CPUs`),
    };
  });
  const longest = Math.max(0, ...services.map(({ build }) => build?.timeoutMs ?? 0));
  const [asked, setting] = inputs?.timeoutMs ? [inputs.timeoutMs, 'inputs.timeout'] : [longest, 'build.timeout'];
  const timeoutMs = least(asked, buildTimeoutMs, setting, showSeconds);
  return {
    run: {
      memoryBytes: Math.max(0, ...each.map(({ memoryBytes }) => memoryBytes)) || memoryBytesPerBuild,
      cpus: Math.max(0, ...each.map(({ cpus }) => cpus)) || cpusPerBuild,
      timeoutMs,
    },
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

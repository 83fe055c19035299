export type Tier = 'free' | 'pro' | 'enterprise' | 'dedicated';

/** What one tenant of a tier may use. Per-build figures: the tenant's limit is the figure times its concurrency. */
export interface TierLimits {
  readonly concurrentBuilds: number;
  readonly memoryBytesPerBuild: number;
  readonly cpusPerBuild: number;
  readonly buildTimeoutMs: number;
}

const GiB = 1024 ** 3;
const minutes = 60_000;

/** The one table of tier limits (builderd seed; concurrency 1, 3, 10, 50). */
export const tierLimits: Record<Tier, TierLimits> = {
  free: { concurrentBuilds: 1, memoryBytesPerBuild: 0.5 * GiB, cpusPerBuild: 1, buildTimeoutMs: 5 * minutes },
  pro: { concurrentBuilds: 3, memoryBytesPerBuild: 2 * GiB, cpusPerBuild: 2, buildTimeoutMs: 15 * minutes },
  enterprise: { concurrentBuilds: 10, memoryBytesPerBuild: 8 * GiB, cpusPerBuild: 4, buildTimeoutMs: 30 * minutes },
  dedicated: { concurrentBuilds: 50, memoryBytesPerBuild: 32 * GiB, cpusPerBuild: 16, buildTimeoutMs: 60 * minutes },
};

import { type Tier, tierLimits } from '@eve/domain';
import type { WorkClass } from '@eve/operations';

const concurrentDeploys = 10;

/** How many works of a class a tenant of each tier runs at once when nothing else was set; null: not limited. */
export const laneLimits: Record<WorkClass, Record<Tier, number | null>> = {
  build: {
    free: tierLimits.free.concurrentBuilds,
    pro: tierLimits.pro.concurrentBuilds,
    enterprise: tierLimits.enterprise.concurrentBuilds,
    dedicated: tierLimits.dedicated.concurrentBuilds,
  },
  deploy: {
    free: concurrentDeploys,
    pro: concurrentDeploys,
    enterprise: concurrentDeploys,
    dedicated: concurrentDeploys,
  },
  control: { free: null, pro: null, enterprise: null, dedicated: null },
};

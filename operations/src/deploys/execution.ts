import type { Deploy, DeployPhase } from '@eve/domain';
import type { LogWriter } from '../logs/log-writer.ts';
import type { DeployTarget } from '../ports/deployer.ts';
import type { Records } from '../ports/store.ts';
import type { ClaimedWork } from '../ports/work-queue.ts';
import type { DeployContext } from './deploy-context.ts';

/** What the steps of an executing deploy share. */
export interface Execution {
  readonly context: DeployContext;
  /** What served when it began; null while nothing has served yet. */
  readonly before: DeployTarget | null;
  readonly writer: LogWriter;
  readonly work: ClaimedWork;
  /** Ends with the worker, or its lease. */
  readonly signal: AbortSignal;
  /** Ends also when somebody cancels the deploy. */
  readonly until: AbortSignal;
}

/** `waiting`: for a person; the work is given back meanwhile, and looks again a little later. */
export type Progress = 'switched' | 'waiting';

/** Writes where an executing deploy stands. */
export async function setPhase(
  { store }: { readonly store: Pick<Records, 'deploys'> },
  { context, work }: Pick<Execution, 'context' | 'work'>,
  phase: DeployPhase,
  more: Partial<Pick<Deploy, 'canary' | 'releaseCommands' | 'failure' | 'rolledBackTo'>> = {},
): Promise<void> {
  context.deploy = { ...context.deploy, phase, ...more };
  await store.deploys.setPhase(context.deploy, work.lease);
}

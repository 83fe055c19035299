import type { Deploy } from '@eve/protocol-rest/contract';
import type { Context } from '../context.ts';
import { exitCodes } from '../failure.ts';
import { deployOutcome, servingLines } from '../show/deploy.ts';
import { followed, type WayBack } from './detach.ts';
import { printLog } from './log.ts';
import { pollUntil } from './patience.ts';

const ended = ['healthy', 'failed', 'cancelled', 'superseded'];

/** Whether nothing more happens by itself. */
export function isDeployAtRest({ status }: Pick<Deploy, 'status'>): boolean {
  return status === 'awaiting_approval' || ended.includes(status);
}

/** Follows a deploy to its end: its log on stderr, the final state and the addresses on stdout. */
export async function followDeploy(
  context: Context,
  deploy: Deploy,
  place: { project: string; environment: string | null },
  timeoutSeconds?: number,
): Promise<number> {
  const wayBack: WayBack = {
    what: `deploy ${deploy.id}`,
    follow: `eve deploy wait ${deploy.id}`,
    cancel: `eve deploy cancel ${deploy.id}`,
  };
  return followed(
    context,
    () => wayBack,
    timeoutSeconds,
    async (signal) => {
      const final = await deployToItsEnd(context, deploy.id, signal);
      await tellDeploy(context, final, place);
      return exitCodeOfDeploy(final);
    },
  );
}

/** Shows the log of a deploy on stderr until nothing more happens by itself. */
export async function deployToItsEnd({ api, say, style }: Context, id: string, signal: AbortSignal): Promise<Deploy> {
  const atRest = new AbortController();
  const stop = AbortSignal.any([signal, atRest.signal]);
  const log = printLog(api.followDeployLogs(id, { signal: stop }), { print: say, say, style }).catch(
    (error: unknown) => {
      if (!stop.aborted) say(`The log broke off: ${error instanceof Error ? error.message : error}`);
    },
  );
  try {
    const final = await pollUntil(() => api.getDeploy(id), isDeployAtRest, { signal });
    // The last lines are on their way when the state is final.
    if (final.status !== 'awaiting_approval') await Promise.race([log, pause(2_000)]);
    return final;
  } finally {
    atRest.abort();
    await log;
  }
}

async function pause(ms: number): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, ms).unref());
}

/** The final state; where a deploy is healthy, what serves now and where. */
export async function tellDeploy(
  context: Context,
  deploy: Deploy,
  { project, environment }: { project: string; environment: string | null },
): Promise<void> {
  if (context.json) return context.print(JSON.stringify(deploy));
  for (const line of deployOutcome(deploy, environment)) context.print(line);
  if (deploy.status !== 'healthy' || environment === null) return;
  for (const line of servingLines(await context.api.environmentStatus(project, environment))) context.print(line);
}

export function exitCodeOfDeploy({ status }: Pick<Deploy, 'status'>): number {
  if (status === 'healthy') return exitCodes.done;
  if (status === 'awaiting_approval') return exitCodes.waiting;
  return status === 'superseded' ? exitCodes.conflict : exitCodes.failed;
}

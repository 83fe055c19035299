import type { Deploy } from '@eve/protocol-rest/contract';
import type { Context } from '../context.ts';
import { exitCodes } from '../failure.ts';
import { deployOutcome, servingLines } from '../show/deploy.ts';
import { waitsForText } from '../show/deploy-detail.ts';
import { followed, type WayBack } from './detach.ts';
import { printLog } from './log.ts';
import { pollUntil } from './patience.ts';

const ended = ['healthy', 'failed', 'cancelled', 'superseded'];

/** Whether nothing more happens by itself: it has ended, or waits for somebody. */
export function isDeployAtRest(deploy: WhatItWaitsFor): boolean {
  return ended.includes(deploy.status) || waitsForSomebody(deploy);
}

type WhatItWaitsFor = Pick<Deploy, 'status' | 'phase' | 'approved_by' | 'cancel_requested_at'>;

/** It goes on when somebody approves or promotes it, and ends by itself once somebody has aborted it. */
export function waitsForSomebody(deploy: WhatItWaitsFor): boolean {
  const { status, phase, approved_by: approvedBy, cancel_requested_at: aborted } = deploy;
  if (aborted !== null) return false;
  return (status === 'awaiting_approval' && !approvedBy) || (status === 'deploying' && phase === 'paused');
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
    cancel: `eve deploy abort ${deploy.id}`,
  };
  const before = waitsForText(deploy);
  if (before) context.say(`Waits for ${before}.`);
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
    if (!waitsForSomebody(final)) await Promise.race([log, pause(2_000)]);
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

/** 0: it serves; 5: it waits for somebody; 1: it has ended in any other way. */
export function exitCodeOfDeploy(deploy: WhatItWaitsFor): number {
  if (deploy.status === 'healthy') return exitCodes.done;
  return waitsForSomebody(deploy) ? exitCodes.waiting : exitCodes.failed;
}

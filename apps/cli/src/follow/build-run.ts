import type { BuildRun } from '@eve/protocol-rest/contract';
import type { Context } from '../context.ts';
import { CommandFailed, exitCodes } from '../failure.ts';
import { outcomeLines, runState } from '../show/build-run.ts';
import { followed, type WayBack } from './detach.ts';
import { printLog } from './log.ts';
import { pollUntil } from './patience.ts';

export interface LogChoice {
  readonly tail?: number | undefined;
  readonly step?: string | undefined;
  readonly attempt?: number | undefined;
}

/** Follows what a build run prints to its end: lines on stdout, states on stderr, the outcome as the exit code. */
export async function followBuildRun(
  context: Context,
  run: BuildRun,
  choice: LogChoice = {},
  timeoutSeconds?: number,
): Promise<number> {
  const { api, style } = context;
  context.say(`Run ${run.id}: ${runState(run)}`);
  return followed(
    context,
    () => wayBackTo(run),
    timeoutSeconds,
    async (signal) => {
      const events = api.followBuildLogs(run.build_id, { runId: run.id, signal, ...choice });
      if (context.json) {
        for await (const event of events) context.print(JSON.stringify(event));
      } else {
        await printLog(events, { print: context.print, say: context.say, style });
      }
      const ended = await api.getBuildRun(run.build_id, run.id);
      for (const line of outcomeLines(ended, { error: false })) context.say(line);
      return exitCodeOfRun(ended);
    },
  );
}

/** Waits until a run has ended and answers with it; its outcome is the exit code, unless the end that was wanted is another. */
export async function waitForRun(
  context: Context,
  run: BuildRun,
  timeoutSeconds: number | undefined,
  {
    lines = (ended) => outcomeLines(ended, { error: true }),
    exitCode = exitCodeOfRun,
  }: { lines?: (ended: BuildRun) => readonly string[]; exitCode?: (ended: BuildRun) => number } = {},
): Promise<number> {
  let told = '';
  return followed(
    context,
    () => wayBackTo(run),
    timeoutSeconds,
    async (signal) => {
      const ended = await pollUntil(
        async () => {
          const now = await context.api.getBuildRun(run.build_id, run.id);
          const state = [now.status, now.phase, now.attempt, now.cancel_requested_at, now.waiting?.position].join();
          if (state !== told && now.completed_at === null) context.say(`Run ${now.id}: ${runState(now)}`);
          told = state;
          return now;
        },
        ({ completed_at: at }) => at !== null,
        { signal },
      );
      context.answer(ended, () => lines(ended));
      return exitCode(ended);
    },
  );
}

/** The newest run of a build that is no verification; it is an error when there is none. */
export async function newestRun({ api }: Pick<Context, 'api'>, buildId: string): Promise<BuildRun> {
  const newest = (await api.listBuildRuns(buildId)).data.find(({ verifies }) => verifies === null);
  if (newest) return newest;
  throw new CommandFailed(`Build ${buildId} has not run yet.`, {
    code: 'build_run_not_found',
    exitCode: exitCodes.notFound,
    advice: [`Start it: eve build run ${buildId} --follow`],
  });
}

function wayBackTo(run: BuildRun): WayBack {
  return {
    what: `build run ${run.id}`,
    follow: `eve build logs ${run.build_id} --run ${run.id} --follow`,
    cancel: `eve build cancel ${run.build_id} --run ${run.id}`,
  };
}

/** A verification is done when every digest is the same. */
function exitCodeOfRun({ status, verification }: BuildRun): number {
  const same = (verification ?? []).every(({ expected, found }) => expected === found);
  return status === 'completed' && same ? exitCodes.done : exitCodes.failed;
}

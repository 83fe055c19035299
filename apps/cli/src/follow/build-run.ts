import type { BuildRun } from '@eve/protocol-rest/contract';
import type { Context } from '../context.ts';
import { exitCodes } from '../failure.ts';
import { tookOf } from '../output/text.ts';
import { runState } from '../show/build.ts';
import { followed } from './detach.ts';
import { printLog } from './log.ts';

export interface LogChoice {
  readonly tail?: number | undefined;
  readonly step?: string | undefined;
}

/** Follows what a build run prints to its end: lines on stdout, states on stderr, the outcome as the exit code. */
export async function followBuildRun(
  context: Context,
  run: BuildRun,
  choice: LogChoice = {},
  timeoutSeconds?: number,
): Promise<number> {
  const { api, style } = context;
  const wayBack = {
    what: `build run ${run.id}`,
    follow: `eve build logs ${run.build_id} --run ${run.id} --follow`,
    cancel: `eve build cancel ${run.build_id}`,
  };
  context.say(`Run ${run.id}: ${runState(run)}`);
  return followed(
    context,
    () => wayBack,
    timeoutSeconds,
    async (signal) => {
      const events = api.followBuildLogs(run.build_id, { runId: run.id, signal, ...choice });
      if (context.json) {
        for await (const event of events) {
          context.print(JSON.stringify(event));
          if (event.type === 'end') return exitCodeOfRun(event.state);
        }
        return exitCodes.failed;
      }
      await printLog(events, { print: context.print, say: context.say, style });
      const ended = await api.getBuildRun(run.build_id, run.id);
      context.say(outcomeOf(ended));
      return exitCodeOfRun(ended.status);
    },
  );
}

export function outcomeOf(run: BuildRun): string {
  const took = tookOf(run);
  const reused = run.reused_from ? `, images of run ${run.reused_from} reused` : '';
  return `Build run ${run.id} ${run.status}${took ? ` after ${took}` : ''}${reused}.`;
}

export function exitCodeOfRun(status: string): number {
  return status === 'completed' ? exitCodes.done : exitCodes.failed;
}

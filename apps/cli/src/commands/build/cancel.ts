import { command, number, switchedOn, text } from '../../command.ts';
import { exitCodes } from '../../failure.ts';
import { waitForRun } from '../../follow/build-run.ts';
import { outcomeLines, runState } from '../../show/build-run.ts';

export const buildCancel = command({
  name: 'build cancel',
  summary: 'cancel the newest run of a build, and wait until nothing of it runs any more',
  arguments: ['<build-id>'],
  options: {
    run: text('<run-id>', 'this run instead'),
    reason: text('<text>', 'why, kept with the run'),
    wait: switchedOn('with false it only asks for the end'),
    timeout: number('<seconds>', 'stop waiting after so long; it is cancelled all the same'),
  },
  examples: ['eve build cancel bld_… --reason "wrong branch"'],

  async run(context, { run, reason, wait, timeout }, [buildId]) {
    // The run's id is what the person typed; the server checks it.
    const asked = await context.api.cancelBuild(buildId, {
      ...(run && { run_id: run as `brun_${string}` }),
      ...(reason && { reason }),
    });
    if (asked.completed_at === null && wait) {
      return waitForRun(context, asked, timeout, {
        lines: cancelledLines,
        exitCode: ({ status }) => (status === 'cancelled' ? exitCodes.done : exitCodes.failed),
      });
    }
    context.answer(asked, () => cancelledLines(asked));
    return undefined;
  },
});

function cancelledLines(run: Parameters<typeof runState>[0]): string[] {
  if (run.status === 'cancelled') return [`Build cancelled: ${run.build_id}`, `  Run: ${run.id} ${runState(run)}`];
  if (run.completed_at !== null) return outcomeLines(run, { error: true });
  return [`Cancelling build: ${run.build_id}`, `  Run: ${run.id} ${runState(run)}`];
}

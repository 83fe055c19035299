import type { BuildRun } from '@eve/protocol-rest/contract';
import { command, flag, number, text } from '../../command.ts';
import type { Context } from '../../context.ts';
import { followBuildRun, newestRun } from '../../follow/build-run.ts';
import { printStored } from '../../follow/stored-log.ts';

export const buildLogs = command({
  name: 'build logs',
  summary: 'show what a build run printed',
  arguments: ['<build-id>'],
  options: {
    run: text('<run-id>', 'this run; the newest when left out'),
    follow: flag('go on until the run ends; its outcome is the exit code', 'f'),
    tail: number('<n>', 'only the last so many lines'),
    step: text('<step>', 'only lines of this step, such as test or push; --json names the step of each line'),
    attempt: number('<n>', 'only lines of this attempt of the run'),
    timeout: number('<seconds>', 'stop following after so long; the run goes on'),
  },
  examples: ['eve build logs bld_… --follow', 'eve build logs bld_… --run brun_… --tail 30'],

  async run(context, { run, follow, tail, step, attempt, timeout }, [buildId]) {
    if (follow) return followBuildRun(context, await runOf(context, buildId, run), { tail, step, attempt }, timeout);
    // The run's id is what the person typed; the server checks it.
    const of = { run_id: run, step, attempt } as { run_id?: `brun_${string}`; step?: string; attempt?: number };
    await printStored(context, (range) => context.api.buildLogs(buildId, { ...of, ...range }), tail);
    return undefined;
  },
});

/** The run that is meant, as it stands now. */
function runOf(context: Context, buildId: string, runId: string | undefined): Promise<BuildRun> {
  return runId === undefined ? newestRun(context, buildId) : context.api.getBuildRun(buildId, runId);
}

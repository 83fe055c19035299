import type { BuildRun, LogEntry } from '@eve/protocol-rest/contract';
import { command, flag, number, text } from '../../command.ts';
import type { Context } from '../../context.ts';
import { CommandFailed, exitCodes } from '../../failure.ts';
import { followBuildRun } from '../../follow/build-run.ts';
import { logLines } from '../../output/log-lines.ts';

const pageLines = 1000;

export const buildLogs = command({
  name: 'build logs',
  summary: 'show what a build run printed',
  arguments: ['<build-id>'],
  options: {
    run: text('<run-id>', 'this run; the newest when left out'),
    follow: flag('go on until the run ends; its outcome is the exit code', 'f'),
    tail: number('<n>', 'only the last so many lines'),
    step: text('<step>', 'only lines of this step'),
    timeout: number('<seconds>', 'stop following after so long; the run goes on'),
  },
  examples: ['eve build logs bld_… --follow', 'eve build logs bld_… --run brun_… --tail 30'],

  async run(context, { run, follow, tail, step, timeout }, [buildId]) {
    if (follow) return followBuildRun(context, await runOf(context, buildId, run), { tail, step }, timeout);
    const lines = logLines(context.style);
    let count = 0;
    for await (const entry of entriesOf(context, buildId, { run_id: run, tail, step })) {
      count++;
      if (context.json) context.print(JSON.stringify(entry));
      else lines.of(entry).forEach(context.print);
    }
    if (context.json) return undefined;
    lines.end().forEach(context.print);
    if (count === 0) context.print('No logs available.');
    return undefined;
  },
});

/** The run that is meant, as it stands now. */
async function runOf({ api }: Context, buildId: string, runId: string | undefined): Promise<BuildRun> {
  if (runId !== undefined) return api.getBuildRun(buildId, runId);
  const [newest] = (await api.listBuildRuns(buildId, { limit: 1 })).data;
  if (newest) return newest;
  throw new CommandFailed(`Build ${buildId} has not run yet.`, {
    code: 'build_run_not_found',
    exitCode: exitCodes.notFound,
    advice: [`Start it: eve build run ${buildId} --follow`],
  });
}

async function* entriesOf(
  { api }: Context,
  buildId: string,
  query: { run_id: string | undefined; tail: number | undefined; step: string | undefined },
): AsyncGenerator<LogEntry> {
  // The run's id is what the person typed; the server checks it.
  const range = query as { run_id?: `brun_${string}`; tail?: number; step?: string };
  for (let after = 0; ; ) {
    const { logs } = await api.buildLogs(buildId, {
      ...range,
      ...(query.tail === undefined && { after, limit: pageLines }),
    });
    yield* logs;
    const last = logs.at(-1);
    if (query.tail !== undefined || logs.length < pageLines || !last) return;
    after = last.sequence;
  }
}

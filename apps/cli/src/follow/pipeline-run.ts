import type { DeployDetail, PipelineRunDetail, Step } from '@eve/protocol-rest/contract';
import type { Context } from '../context.ts';
import { exitCodes } from '../failure.ts';
import { tookOf } from '../output/text.ts';
import { deployOutcome, servingLines } from '../show/deploy.ts';
import { runOutcome } from '../show/pipeline.ts';
import { waitsForSomebody } from './deploy.ts';
import { followed, type WayBack } from './detach.ts';
import { printLog } from './log.ts';
import { pollUntil } from './patience.ts';

const lastLinesMs = 3_000;
const finished = ['succeeded', 'failed', 'skipped', 'cancelled'];

/** Follows a pipeline run: steps and their logs on stderr, the final state and the addresses on stdout. */
export async function followPipelineRun(
  context: Context,
  runId: string,
  project: string,
  timeoutSeconds?: number,
): Promise<number> {
  const wayBack: WayBack = {
    what: `pipeline run ${runId}`,
    follow: `eve pipeline show-run ${runId} --follow`,
    cancel: `eve pipeline cancel ${runId}`,
  };
  return followed(
    context,
    () => wayBack,
    timeoutSeconds,
    async (signal) => {
      const { detail, waiting } = await runToItsEnd(context, runId, signal);
      if (waiting) {
        context.answer(detail, () => deployOutcome(waiting, waiting.env_name));
        return exitCodes.waiting;
      }
      await tellRun(context, detail, project);
      return exitCodeOfPipelineRun(detail);
    },
  );
}

/** Until it has ended, or one of its deploys waits for somebody. */
async function runToItsEnd(
  context: Context,
  runId: string,
  signal: AbortSignal,
): Promise<{ detail: PipelineRunDetail; waiting: DeployDetail | null }> {
  const stop = new AbortController();
  const logs = new Map<string, Promise<void>>();
  const told = new Map<string, string>();
  let waiting: DeployDetail | null = null;
  try {
    const detail = await pollUntil(
      () => context.api.getPipelineRun(runId),
      async ({ run, steps }) => {
        for (const step of steps) {
          const before = told.get(step.id);
          told.set(step.id, step.status);
          if (before === step.status || (before === undefined && step.status === 'pending')) continue;
          if (!finished.includes(step.status)) context.say(`${step.step_name}: ${step.status}`);
          else
            await tellEnd(
              context,
              step,
              logs.get(step.id) ?? startLog(context, step, AbortSignal.any([signal, stop.signal])),
            );
        }
        for (const step of steps) {
          if (step.status !== 'running' || logs.has(step.id)) continue;
          const log = startLog(context, step, AbortSignal.any([signal, stop.signal]));
          if (log) logs.set(step.id, log);
        }
        waiting = await deployThatWaits(context, steps);
        return waiting !== null || run.status === 'awaiting_approval' || finished.includes(run.status);
      },
      { signal, pauseMs: 400 },
    );
    return { detail, waiting };
  } finally {
    stop.abort();
    await Promise.all(logs.values());
  }
}

async function deployThatWaits({ api }: Context, steps: readonly Step[]): Promise<DeployDetail | null> {
  for (const { status, subject_id: subject } of steps) {
    if (status !== 'running' || !subject?.startsWith('dep_')) continue;
    const deploy = await api.getDeploy(subject);
    if (waitsForSomebody(deploy)) return deploy;
  }
  return null;
}

/** The log of the build run or deploy that does the step's work; null where there is none. */
function startLog({ api, say, style }: Context, step: Step, signal: AbortSignal): Promise<void> | null {
  const subject = step.subject_id;
  const buildId = step.output_json?.build_id;
  const events =
    subject?.startsWith('brun_') && typeof buildId === 'string'
      ? api.followBuildLogs(buildId, { runId: subject, signal })
      : subject?.startsWith('dep_')
        ? api.followDeployLogs(subject, { signal })
        : null;
  if (!events) return null;
  const indented = (line: string) => say(`  ${line}`);
  return printLog(events, { print: indented, say: indented, style }).then(
    () => {},
    (error: unknown) => {
      if (!signal.aborted)
        say(`  The log of ${step.step_name} broke off: ${error instanceof Error ? error.message : error}`);
    },
  );
}

async function tellEnd({ say }: Context, step: Step, log: Promise<void> | null): Promise<void> {
  if (log && step.status !== 'skipped') await Promise.race([log, pause(lastLinesMs)]);
  const took = tookOf(step);
  const why = step.error_message ? ` — ${step.error_message.split('\n')[0]}` : '';
  say(`${step.step_name}: ${step.status}${took && step.status !== 'skipped' ? ` (${took})` : ''}${why}`);
}

async function pause(ms: number): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, ms).unref());
}

async function tellRun(context: Context, detail: PipelineRunDetail, project: string): Promise<void> {
  if (context.json) return context.print(JSON.stringify(detail));
  for (const line of runOutcome(detail)) context.print(line);
  const environment = environmentOf(detail);
  if (detail.run.status !== 'succeeded' || environment === null) return;
  for (const line of servingLines(await context.api.environmentStatus(project, environment))) context.print(line);
}

function environmentOf({ run, steps }: PipelineRunDetail): string | null {
  const deployed = steps.findLast(({ step_type: type, status }) => type === 'deploy' && status === 'succeeded');
  return deployed ? (deployed.env_name ?? run.env_name) : null;
}

export function exitCodeOfPipelineRun({ run }: PipelineRunDetail): number {
  if (run.status === 'succeeded') return exitCodes.done;
  return run.status === 'awaiting_approval' ? exitCodes.waiting : exitCodes.failed;
}

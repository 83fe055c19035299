import { terminalText } from '@eve/domain';
import type { BuildDiagnosis, BuildFailure, BuildRun, LastGood, LogEntry } from '@eve/protocol-rest/contract';
import type { Style } from '../context.ts';
import { labelOf, logLines } from '../output/log-lines.ts';
import { counted, fields, shortSha, when } from '../output/text.ts';
import { artifactTable, buildFields } from './build.ts';
import { circumstances, runOverview, runState, stepTable, usageLines, verificationTable } from './build-run.ts';

/** Everything about a build on one page: what, how it stands and why, what is different, how the time went, the last lines. */
export function diagnosisLines(diagnosis: BuildDiagnosis, style: Style): string[] {
  const { spec, runs, run: newest, artifacts, steps, cache, logs, failure } = diagnosis;
  const sections = [
    [`Build diagnose: ${spec.id}`, ...buildFields(spec)],
    newest ? standing(newest, failure, style) : [`Runs: none yet. Start one: eve build run ${spec.id}`],
    lastGoodLines(diagnosis),
    steps.length > 0
      ? [
          style.bold(`Steps${cache ? ` (${cache.hits} of ${cache.steps} from the cache)` : ''}:`),
          ...indented(stepTable(steps)),
        ]
      : [],
    newest ? titled(style.bold('Used:'), usageLines(newest)) : [],
    runs.length > 1 ? [style.bold(`Runs (${counted(runs.length, 'run')}):`), ...indented(runOverview(runs))] : [],
    artifacts.length === 0
      ? ['Artifacts: none.']
      : [style.bold(`Artifacts (${counted(artifacts.length, 'artifact')}):`), ...artifactTable(artifacts)],
    newest ? recentLines(logs, failure, style) : [],
  ];
  return sections.filter((lines) => lines.length > 0).flatMap((lines, index) => (index === 0 ? lines : ['', ...lines]));
}

/** The newest run: how it stands, and if it failed why and what to do. */
function standing(run: BuildRun, failure: BuildFailure | null, style: Style): string[] {
  const colour = run.status === 'failed' ? style.red : run.status === 'completed' ? style.green : style.bold;
  return [
    colour(`Run ${run.id}: ${runState({ ...run, waiting: null })}`),
    ...fields({
      Backend: run.backend,
      Attempt: run.attempt > 1 ? String(run.attempt) : null,
      Started: run.started_at && when(run.started_at),
      Deadline: run.deadline && when(run.deadline),
      ...circumstances(run),
      ...(failure && failureFields(failure, style)),
    }),
    ...verificationTable(run),
  ];
}

function failureFields(failure: BuildFailure, style: Style): Record<string, string | null> {
  const { code, phase, message, service, step, hint, retry_helps: retryHelps } = failure;
  return {
    Error: style.red(terminalText(message.split('\n')[0] ?? '')),
    Type: `${labelOf(code)} (${code})${phase ? `, in phase ${phase}` : ''}`,
    Service: service,
    Step: step && !message.includes(step) ? terminalText(step) : null,
    Hint: terminalText(hint),
    Retry: retryHelps ? 'may help' : 'does not help by itself',
  };
}

function lastGoodLines({ last_good: good, spec }: BuildDiagnosis): string[] {
  if (!good) return [];
  const which = good.build_id === spec.id ? 'of this build' : `build #${good.number}, ${shortSha(good.git_sha)}`;
  const at = good.completed_at ? `, ${when(good.completed_at)}` : '';
  const title = `Last good run: ${good.run_id} (${which}${at})`;
  if (good.differences.length === 0) return [title, '  Nothing that shapes the build is different.'];
  return [
    title,
    '  Different since then:',
    ...good.differences.map((difference) => `    ${differenceText(difference)}`),
  ];
}

function differenceText({ what, before, after }: LastGood['differences'][number]): string {
  const [was, is] = [before, after].map((value) => (value === null ? null : shortHashes(terminalText(value))));
  if (was === null) return `${what}: new: ${is}`;
  return is === null ? `${what}: gone: ${was}` : `${what}: ${was} -> ${is}`;
}

/** A commit or hash is known by its beginning. */
function shortHashes(text: string): string {
  return /^([0-9a-f]{40}|[0-9a-f]{64})$/.test(text) ? `${text.slice(0, 12)}...` : text;
}

/** The log's end without what was told above: the error's own lines, unless the failing step's are not among the rest. */
function recentLines(logs: readonly LogEntry[], failure: BuildFailure | null, style: Style): string[] {
  const told = failure ? logs.filter(({ line }) => line.error_code === undefined) : logs;
  const lines = logLines(style);
  const tail = failure && !isAmong(failure.tail, told) ? failure.tail : [];
  if (told.length + tail.length === 0) return ['Recent logs: none.'];
  return [
    style.bold('Recent logs:'),
    ...told.flatMap((entry) => lines.of(entry)),
    ...lines.end(),
    ...(tail.length > 0
      ? [`--- Last ${tail.length} lines ---`, ...tail.map((line) => terminalText(line, style.colours))]
      : []),
  ];
}

/** The engine's own last word is no line of the log. */
function isAmong(tail: readonly string[], entries: readonly LogEntry[]): boolean {
  const messages = new Set(entries.map(({ line }) => line.message));
  const missing = tail.filter((line) => !messages.has(line)).length;
  return missing === 0 || (missing === 1 && tail.length > 1);
}

function titled(title: string, lines: readonly string[]): string[] {
  return lines.length > 0 ? [title, ...lines] : [];
}

function indented(lines: readonly string[]): string[] {
  return lines.map((line) => `  ${line}`);
}

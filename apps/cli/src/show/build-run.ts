import { terminalText, waitingWords } from '@eve/domain';
import type { BuildLimits, BuildRun, BuildStep, BuildUsage } from '@eve/protocol-rest/contract';
import { labelOf } from '../output/log-lines.ts';
import { clock, duration, fields, memory, size, table, tookOf, when } from '../output/text.ts';

const reasons: Readonly<Record<string, string>> = waitingWords;

export interface WaitingFor {
  readonly reason: string;
  readonly position: number;
  readonly until?: string | null;
}

/** Why something waits, how many are before it, and until when where that is known. */
export function waitingText(waiting: WaitingFor | null): string | null {
  if (!waiting) return null;
  const until = waiting.until ? `, until ${when(waiting.until)}` : '';
  return `position ${waiting.position}: ${reasonText(waiting.reason)}${until}`;
}

export function reasonText(reason: string): string {
  return reasons[reason] ?? reason;
}

export function isCancelling({ cancel_requested_at: asked, completed_at: ended }: BuildRun): boolean {
  return asked !== null && ended === null;
}

/** The state in one word: `cancelling` is one for whoever reads it. */
export function stateOf(run: BuildRun): string {
  return isCancelling(run) ? 'cancelling' : run.status;
}

/** `pending (position 2: the builder is full)`, `building (downloading, 3.0 s)`, `cancelling (building, 5.0 s)`. */
export function runState(run: BuildRun): string {
  const phase = run.completed_at === null && run.phase !== run.status ? run.phase : null;
  const attempt = run.attempt > 1 ? `attempt ${run.attempt}` : null;
  const more = [phase, attempt, waitingText(run.waiting), tookOf(run)].filter((part) => part !== null);
  return `${stateOf(run)}${more.length > 0 ? ` (${more.join(', ')})` : ''}`;
}

export function runTable(runs: readonly BuildRun[]): string[] {
  const [head = '', ...rows] = table(
    ['Run ID', 'Status', 'Backend', 'Started', 'Took'],
    runs.map((run) => [
      run.id,
      stateOf(run),
      run.backend,
      run.started_at ? when(run.started_at) : '-',
      tookOf(run) ?? '-',
    ]),
  );
  return [head, ...rows.flatMap((row, index) => [row, ...aboutRun(runs[index])])];
}

/** One line for each run, with what came of it in a few words. */
export function runOverview(runs: readonly BuildRun[]): string[] {
  const rows = runs.map((run) => [
    run.id,
    stateOf(run),
    run.backend,
    run.started_at ? when(run.started_at) : '-',
    tookOf(run) ?? '-',
    inFewWords(run),
  ]);
  return table(['Run ID', 'Status', 'Backend', 'Started', 'Took', 'Why'], rows);
}

function inFewWords(run: BuildRun): string {
  const parts = [
    run.error_code,
    run.cancel && `cancelled${run.cancel.by ? ` by ${run.cancel.by}` : ''}`,
    run.reused_from && `reused from ${run.reused_from}`,
    run.verifies && `verifies ${run.verifies}${verdict(run)}`,
    run.attempt > 1 && `attempt ${run.attempt}`,
  ];
  return parts.filter(Boolean).join(', ');
}

function aboutRun(run: BuildRun | undefined): string[] {
  return run ? [...fields({ ...circumstances(run), Note: null }), ...failureLines(run)] : [];
}

/** What is special about a run. */
export function circumstances(run: BuildRun): Record<string, string | null> {
  const waiting = waitingText(run.waiting);
  return {
    Waiting: waiting && `${waiting} (since ${when(run.created_at)})`,
    Cancelled: run.completed_at ? cancelText(run) : null,
    Cancelling: run.completed_at ? null : cancelText(run),
    Images: run.reused_from && `reused from ${run.reused_from}`,
    Verifies: run.verifies && `${run.verifies}${verdict(run)}`,
    Retried: run.retries > 0 ? `${run.retries} times by itself; this is attempt ${run.attempt}` : null,
    Note: run.notes.length > 0 ? run.notes.join('; ') : null,
  };
}

function cancelText({ cancel }: BuildRun): string | null {
  if (!cancel) return null;
  const by = cancel.by ? ` by ${cancel.by}` : '';
  return `requested ${when(cancel.requested_at)}${by}${cancel.reason ? `: ${terminalText(cancel.reason)}` : ''}`;
}

function verdict({ verification }: BuildRun): string {
  if (!verification) return '';
  const different = verification.filter(({ expected, found }) => expected !== found);
  return different.length === 0 ? ': the same digests' : `: ${different.length} of ${verification.length} differ`;
}

/** Each image that was built again to compare. */
export function verificationTable({ verification }: BuildRun): string[] {
  if (!verification || verification.length === 0) return [];
  return verification.flatMap(({ service, platform, expected, found }) => {
    const name = `${service} (${platform})`;
    if (expected === found) return [`  same       ${name} ${expected}`];
    return [`  different  ${name}`, `    recorded:    ${expected}`, `    built again: ${found ?? 'no image'}`];
  });
}

function failureLines({ error, error_message: message, error_code: code }: BuildRun): string[] {
  if (message === null) return [];
  return [
    `  Error: ${terminalText(message.split('\n')[0] ?? '')}`,
    ...(error?.step && !message.includes(error.step) ? [`  Step: ${terminalText(error.step)}`] : []),
    ...(code ? [`  Error Type: ${labelOf(code)} (${code})`] : []),
    ...(error?.hint ? [`  Hint: ${terminalText(error.hint)}`] : []),
  ];
}

type Column = [head: string, cell: (step: BuildStep) => string];

/** The steps of a run with their times, and why one was not cached. */
export function stepTable(steps: readonly BuildStep[]): string[] {
  const services = new Set(steps.map(({ service }) => service));
  const attempts = new Set(steps.map(({ attempt }) => attempt));
  const columns: Column[] = [
    ...(attempts.size > 1 ? [['Attempt', ({ attempt }) => String(attempt)] satisfies Column] : []),
    ...(services.size > 1 ? [['Service', ({ service }) => service] satisfies Column] : []),
    ['At', ({ started_at: at }) => (at === null ? '-' : clock(at))],
    ['Took', tookOfStep],
    ['Cache', cacheOf],
    ['Step', ({ name, state }) => `${terminalText(name)}${state === 'failed' ? '  <- failed' : ''}`],
  ];
  const [head = '', ...rows] = table(
    columns.map(([name]) => name),
    steps.map((step) => columns.map(([, cell]) => cell(step))),
  );
  return [
    head,
    ...rows.flatMap((row, index) => {
      const reason = steps[index]?.cache_reason;
      return reason ? [row, `    not cached: ${terminalText(reason)}`] : [row];
    }),
  ];
}

/** Only where it is known why not is it a miss: what the engine does around the Dockerfile is never cached. */
function cacheOf({ state, cache_reason: reason }: BuildStep): string {
  if (state === 'cached') return 'hit';
  return reason === null ? '-' : 'miss';
}

function tookOfStep({ duration_ms: ms, state }: BuildStep): string {
  return ms === null ? (state === 'running' ? 'runs' : '-') : duration(ms);
}

/** What a run used of what it might, a line each. */
export function usageLines({ usage, limits, ...times }: BuildRun): string[] {
  const took = tookOf(times);
  return fields({
    Time: took && limits ? `${took} of ${duration(limits.timeout_ms)}` : took,
    Memory: usage && `${memory(usage.peak_memory_bytes)} at most${ofMemory(limits)}`,
    CPU: usage && `${duration(usage.cpu_ms)}${limits?.cpus ? ` on up to ${limits.cpus} CPUs` : ''}`,
    Disk: usage && `${size(usage.disk_read_bytes)} read, ${size(usage.disk_written_bytes)} written`,
    ...unmeasured(usage, limits),
  });
}

function ofMemory(limits: BuildLimits | null): string {
  return limits?.memory_bytes ? ` of ${memory(limits.memory_bytes)}` : '';
}

function unmeasured(usage: BuildUsage | null, limits: BuildLimits | null): Record<string, string | null> {
  if (usage || !limits) return {};
  const may = [
    limits.memory_bytes ? memory(limits.memory_bytes) : null,
    limits.cpus ? `${limits.cpus} CPUs` : null,
  ].filter((part) => part !== null);
  return { 'May use': may.length > 0 ? may.join(', ') : null };
}

/** How a run ended, in a sentence; then what was compared, and with `error` why it failed. */
export function outcomeLines(run: BuildRun, { error }: { error: boolean }): string[] {
  return [outcomeOf(run), ...verificationTable(run), ...(error ? failureLines(run) : [])];
}

function outcomeOf(run: BuildRun): string {
  const took = tookOf(run);
  const reused = run.reused_from ? `, reused from ${run.reused_from}` : '';
  const by = run.status === 'cancelled' && run.cancel?.by ? ` by ${run.cancel.by}` : '';
  return `Build run ${run.id} ${run.status}${by}${took ? ` after ${took}` : ''}${reused}.`;
}

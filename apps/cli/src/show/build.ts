import type { BuildArtifact, BuildDiagnosis, BuildRun, BuildSpec } from '@eve/protocol-rest/contract';
import type { Style } from '../context.ts';
import { labelOf, logLines } from '../output/log-lines.ts';
import { counted, fields, shortHash, shortSha, size, table, tookOf, when } from '../output/text.ts';

const reasons: Readonly<Record<string, string>> = {
  tenant_limit: 'the limit of concurrent work of this organisation is reached',
  builder_capacity: 'the builder is full',
  lock: 'another deploy of this environment is running',
  approval: 'it waits for an approval',
  retry_delay: 'it is tried again after a delay',
  free_worker: 'it waits for a free worker',
};

/** Why something waits, and how many are before it. */
export function waitingText(waiting: { reason: string; position: number } | null): string | null {
  return waiting && `position ${waiting.position}: ${reasons[waiting.reason] ?? waiting.reason}`;
}

/** `pending (position 2: the builder is full)`, `building (downloading, 3.0 s)`. */
export function runState(run: BuildRun): string {
  const cancelling = run.cancel_requested_at !== null && run.completed_at === null ? 'cancelling' : null;
  const phase = run.completed_at === null && run.phase !== run.status ? run.phase : null;
  const more = [cancelling, phase, waitingText(run.waiting), tookOf(run)].filter((part) => part !== null);
  return `${run.status}${more.length > 0 ? ` (${more.join(', ')})` : ''}`;
}

export function buildFields(spec: BuildSpec): string[] {
  return fields({
    Number: `#${spec.number}`,
    Project: spec.project_id,
    SHA: spec.git_sha,
    Manifest: spec.manifest_hash,
    Services: spec.services?.join(', ') ?? 'all',
    Inputs: jsonOrNothing(spec.inputs),
    Registry: jsonOrNothing(spec.registry),
    Cache: jsonOrNothing(spec.cache),
    'Created by': spec.created_by,
    Created: when(spec.created_at),
  });
}

function jsonOrNothing(value: unknown): string | null {
  if (value === null || value === undefined) return null;
  if (typeof value === 'string') return value;
  const text = JSON.stringify(value);
  return text === '{}' ? null : text;
}

export function buildTable(builds: readonly BuildSpec[]): string[] {
  const rows = builds.map((spec) => [
    spec.id,
    `#${spec.number}`,
    shortSha(spec.git_sha),
    shortHash(spec.manifest_hash),
    spec.created_by ?? '-',
    when(spec.created_at),
  ]);
  return table(['Build ID', 'No', 'SHA', 'Manifest', 'Created By', 'Created'], rows);
}

export function runTable(runs: readonly BuildRun[]): string[] {
  const [head = '', ...rows] = table(
    ['Run ID', 'Status', 'Backend', 'Started', 'Took'],
    runs.map((run) => [
      run.id,
      run.status,
      run.backend,
      run.started_at ? when(run.started_at) : '-',
      tookOf(run) ?? '-',
    ]),
  );
  return [head, ...rows.flatMap((row, index) => [row, ...aboutRun(runs[index])])];
}

function aboutRun(run: BuildRun | undefined): string[] {
  if (!run) return [];
  const waiting = waitingText(run.waiting);
  return [
    ...(run.cancel_requested_at && !run.completed_at ? ['  Cancelling'] : []),
    ...(waiting ? [`  Waiting: ${waiting}`] : []),
    ...(run.reused_from ? [`  Reused: ${run.reused_from}`] : []),
    ...failureLines(run),
  ];
}

function failureLines({ error, error_message: message, error_code: code }: BuildRun): string[] {
  if (message === null) return [];
  return [
    `  Error: ${message.split('\n')[0]}`,
    ...(error?.step ? [`  Step: ${error.step}`] : []),
    ...(code ? [`  Error Type: ${labelOf(code)} (${code})`] : []),
    ...(error?.hint ? [`  Hint: ${error.hint}`] : []),
  ];
}

export function artifactTable(artifacts: readonly BuildArtifact[]): string[] {
  const [head = '', ...rows] = table(
    ['Service', 'Image', 'Size', 'Platforms'],
    artifacts.map((artifact) => [
      artifact.service_name,
      artifact.image_ref,
      size(artifact.size_bytes),
      artifact.platforms.join(', '),
    ]),
  );
  return [
    head,
    ...rows.flatMap((row, index) => {
      const artifact = artifacts[index];
      if (!artifact) return [row];
      return [
        row,
        `  Digest: ${artifact.digest}`,
        ...(artifact.tags.length > 0 ? [`  Tags: ${artifact.tags.join(', ')}`] : []),
      ];
    }),
  ];
}

/** Everything about a build on one page: what, its attempts, its images, the last lines, and what went wrong. */
export function diagnosisLines(
  { spec, runs, artifacts, logs, waiting, failure }: BuildDiagnosis,
  style: Style,
): string[] {
  const lines = logLines(style);
  const why = waitingText(waiting);
  return [
    `Build diagnose: ${spec.id}`,
    ...buildFields(spec),
    '',
    runs.length === 0
      ? `Runs: none yet. Start one: eve build run ${spec.id}`
      : `Runs (${counted(runs.length, 'run')}):`,
    ...(runs.length === 0 ? [] : runTable(runs)),
    ...(why ? ['', `Waiting: ${why}`] : []),
    '',
    artifacts.length === 0 ? 'Artifacts: none.' : `Artifacts (${counted(artifacts.length, 'artifact')}):`,
    ...(artifacts.length === 0 ? [] : artifactTable(artifacts)),
    '',
    logs.length === 0 ? 'Recent logs: none.' : 'Recent logs:',
    ...logs.flatMap((entry) => lines.of(entry)),
    ...lines.end(failure?.hint),
    ...(failure ? ['', ...diagnosis(failure, style)] : []),
  ];
}

function diagnosis(failure: NonNullable<BuildDiagnosis['failure']>, style: Style): string[] {
  const { code, message, service, step, tail, hint, retry_helps: retryHelps } = failure;
  return [
    style.red(`Error: ${message.split('\n')[0]}`),
    ...fields({
      Type: `${labelOf(code)} (${code})`,
      Service: service,
      Step: step,
      Hint: hint,
      Retry: retryHelps ? 'may help' : 'does not help by itself',
    }),
    ...(tail.length > 0 ? [`--- Last ${tail.length} lines ---`, ...tail] : []),
  ];
}

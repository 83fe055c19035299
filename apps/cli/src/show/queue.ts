import type { Queue, QueueEntry, QueueLane } from '@eve/protocol-rest/contract';
import { duration, table, when } from '../output/text.ts';
import { reasonText } from './build-run.ts';

/** What runs and what waits, then how full the organisation and the builders are. */
export function queueLines({ data, pagination, lanes, capacities }: Queue, now = Date.now()): string[] {
  const several = new Set(lanes.map(({ org_id }) => org_id)).size > 1;
  const limits = [
    ...lanes.map((lane) => `${several ? `${lane.org_id}: ` : ''}${laneLine(lane)}`),
    ...capacities.map(({ class: of, max, running }) => `All ${of}s together: ${running} of ${max} run`),
  ];
  if (data.length === 0) return ['Nothing runs and nothing waits.', ...limits];
  const rows = data.map((entry) => [
    entry.position === null ? '-' : String(entry.position),
    entry.subject_id,
    entry.build_id ?? entry.env_name ?? '-',
    `${entry.project}${entry.build_number === null ? '' : ` #${entry.build_number}`}`,
    entry.state,
    duration(now - Date.parse(entry.since)),
    whyOf(entry),
  ]);
  return [
    ...table(['Place', 'What', 'Of', 'Project', 'State', 'For', 'Why'], rows),
    '',
    ...limits,
    ...(pagination.next_cursor ? [`More: --cursor ${pagination.next_cursor}`] : []),
  ];
}

function whyOf({ reason, until, worker, priority, attempt }: QueueEntry): string {
  const parts = [
    reason && reasonText(reason),
    until && `until ${when(until)}`,
    worker && `by ${worker}`,
    priority !== 0 && `priority ${priority}`,
    attempt > 1 && `attempt ${attempt}`,
  ];
  return parts.filter(Boolean).join(', ') || '-';
}

function laneLine({ class: of, max, running, queued, waiting }: QueueLane): string {
  const name = `${of.charAt(0).toUpperCase()}${of.slice(1)}s`;
  return `${name}: ${running}${max === null ? '' : ` of ${max}`} run, ${queued} queued, ${waiting} waiting for their time`;
}

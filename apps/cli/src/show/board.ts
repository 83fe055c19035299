import type { BoardEntry } from '@eve/protocol-rest/contract';
import { counted, duration, table, when } from '../output/text.ts';

/** What runs where; the project's column only where there may be several. */
export function boardTable(entries: readonly BoardEntry[], { projects }: { projects: boolean }, now = Date.now()) {
  const heads = ['Environment', 'Type', 'Health', 'Release', 'Revision', 'Since', 'By', 'Notes'];
  const rows = entries.map((entry) => {
    const { environment, release, revision_number: revision } = entry;
    const cells = [
      entry.env_name,
      environment.type,
      entry.health,
      release ? nameOf(release) : '-',
      revision === null ? '-' : `#${revision}`,
      entry.since ? when(entry.since) : '-',
      entry.by ?? '-',
      notes(entry, now).join('; ') || '-',
    ];
    return projects ? [entry.project, ...cells] : cells;
  });
  return table(projects ? ['Project', ...heads] : heads, rows);
}

function notes(entry: BoardEntry, now: number): string[] {
  const { environment, active_deploy: active, waiting_deploy: waiting, drift, newest_release: newest } = entry;
  const ago = (iso: string) => duration(now - Date.parse(iso));
  const behind = entry.releases_behind >= 100 ? '100 or more' : String(entry.releases_behind);
  return [
    environment.settings.protected ? 'protected' : null,
    environment.status === 'suspended' ? 'suspended' : null,
    environment.lock && `locked by ${environment.lock.holder} for ${ago(environment.lock.since)}`,
    active &&
      `${active.phase ?? active.status}${active.canary_weight === null ? '' : ` at ${active.canary_weight} %`} by ${active.holder ?? 'system'} for ${ago(active.since)}`,
    waiting && (waiting.status === 'awaiting_approval' ? `${waiting.id} waits for an approval` : 'a deploy waits'),
    drift && `drift: ${counted(drift.differences.length, 'difference')} for ${ago(drift.detected_at)}`,
    newest && `not here yet: ${nameOf(newest)}${entry.releases_behind > 1 ? ` (${behind} releases)` : ''}`,
  ].filter((note) => note !== null);
}

function nameOf({ tag, id }: { readonly tag: string | null; readonly id: string }): string {
  return tag ?? id;
}

import type { Deploy, DeployDetail, RevisionEntry } from '@eve/protocol-rest/contract';
import { shortSha, table, tookOf, when } from '../output/text.ts';

export function deployTable(deploys: readonly (Deploy | DeployDetail)[]): string[] {
  const rows = deploys.map((deploy) => [
    deploy.id,
    'env_name' in deploy ? `${deploy.env_name}#${deploy.revision_number}` : '-',
    'release' in deploy ? (deploy.release.tag ?? deploy.release.id) : '-',
    statusText(deploy),
    deploy.cause,
    deploy.created_by ?? '-',
    when(deploy.created_at),
    tookOf(deploy) ?? '-',
  ]);
  return table(['Deploy ID', 'Revision', 'Release', 'Status', 'Cause', 'Created By', 'Created', 'Took'], rows);
}

function statusText({ status, phase, error_code: code }: Deploy): string {
  if (status === 'failed' && code) return `failed (${code})`;
  return phase ? `${status} (${phase})` : status;
}

export function historyTable(environment: string, entries: readonly RevisionEntry[]): string[] {
  const [head = '', ...rows] = table(
    ['Revision', '', 'Release', 'SHA', 'Config', 'Cause', 'Deploy', 'Restorable', 'Created By', 'Created'],
    entries.map((entry) => [
      `${environment}#${entry.revision.number}`,
      entry.current ? 'current' : '',
      entry.release.tag ?? entry.release.id,
      shortSha(entry.release.git_sha),
      String(entry.config_number),
      entry.cause ?? '-',
      entry.deploy_status ?? '-',
      entry.current ? '-' : entry.restorable ? 'yes' : 'no',
      entry.revision.created_by ?? '-',
      when(entry.revision.created_at),
    ]),
  );
  const reasons = entries.map(({ current, not_restorable: why }) => (current ? null : why));
  return [
    head,
    ...rows.flatMap((row, index) => (reasons[index] ? [row, `  Not restorable: ${reasons[index]}`] : [row])),
  ];
}

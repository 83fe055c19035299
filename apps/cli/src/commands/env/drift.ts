import type { Drift, EnvironmentDrift } from '@eve/protocol-rest/contract';
import { command } from '../../command.ts';
import { counted, duration, fields, table, when } from '../../output/text.ts';
import { differenceText, since } from '../../show/environment.ts';
import { pageQuery, paging } from '../paging.ts';

export const envDrift = command({
  name: 'env drift',
  summary: 'show how what runs differs from what was deployed, now and before',
  arguments: ['<env>'],
  options: paging,

  async run(context, options, [name]) {
    const drift = await context.api.environmentDrift(await context.project(), name, pageQuery(options));
    context.answer(drift, () => [...currentLines(drift), ...pastLines(drift)]);
  },
});

function currentLines({ env_name: name, watched, rule, current, repair }: EnvironmentDrift): string[] {
  const last = repair?.tried[0];
  const repaired =
    repair &&
    (last
      ? `${counted(repair.tried.length, 'time')} tried, the last is ${last.status} (${last.deploy_id})${repair.next_at && last.status !== 'healthy' ? `; again at ${when(repair.next_at)}` : ''}`
      : 'about to begin');
  return [
    `Environment: ${name}`,
    ...fields({
      Drift: current ? `since ${since(current.detected_at)}` : 'none',
      Rule: rule === 'repair' ? 'repair: what differs is started anew by itself' : 'report: it is only recorded',
      Watched: watched ? null : 'no: this Eve does not look for drift',
      Repair: repaired,
      Hint: current && rule === 'report' ? `Start again what differs: eve env repair ${name}` : null,
    }),
    ...(current?.differences ?? []).map((difference) => `  ${differenceText(difference)}`),
  ];
}

function pastLines({ data, pagination }: EnvironmentDrift): string[] {
  const past = data.filter(({ cleared_at: cleared }) => cleared !== null);
  if (past.length === 0) return [];
  const rows = past.map((each) => [
    when(each.detected_at),
    lasted(each),
    each.repair_deploy_id ?? '-',
    each.differences.map(differenceText).join('; '),
  ]);
  const more = pagination.next_cursor ? [`More: --cursor ${pagination.next_cursor}`] : [];
  return ['', ...table(['Detected', 'Lasted', 'Repair', 'What'], rows), ...more];
}

function lasted({ detected_at: from, cleared_at: to }: Drift): string {
  return to === null ? 'lasts' : duration(Date.parse(to) - Date.parse(from));
}

import { terminalText } from '@eve/domain';
import type { Deploy, DeployDetail, DeployFailure, DeployInstance, Strategy } from '@eve/protocol-rest/contract';
import { labelOf } from '../output/log-lines.ts';
import { clock, duration, fields, shortSha, table, tookOf, when } from '../output/text.ts';
import { deployState, phaseText } from './deploy.ts';

const shownLines = 20;

/** A deploy on one screen: what it brings where, how far it is, and for a failed one what each instance said. */
export function deployLines(deploy: DeployDetail, instances: readonly DeployInstance[]): string[] {
  const { release, error } = deploy;
  return [
    `Deploy: ${deploy.id}`,
    ...fields({
      Status: deployState(deploy),
      'Waits for': waitsForText(deploy),
      Environment: deploy.env_name,
      Revision: `${deploy.env_name}#${deploy.revision_number}`,
      Release: `${release.tag ?? release.id}${release.git_sha ? ` of ${shortSha(release.git_sha)}` : ''}${release.local ? ' (local)' : ''}`,
      Cause: deploy.cause,
      Strategy: strategyText(deploy.strategy),
      Canary: canaryText(deploy),
      'Created by': deploy.created_by,
      Created: when(deploy.created_at),
      Approved: deploy.approved_by && `by ${deploy.approved_by}, ${when(deploy.approved_at ?? deploy.created_at)}`,
      Took: tookOf(deploy),
      Cancelled: deploy.cancel_reason,
      'Rolled back to': deploy.rolled_back_to,
      Error: error?.message.split('\n')[0],
      Type: error && `${labelOf(error.code)} (${error.code})`,
      Hint: error?.hint,
    }),
    ...section('Warnings', deploy.warnings),
    ...section('Release commands', deploy.release_commands.map(commandText)),
    ...section('Instances', instances.length > 0 ? instanceTable(instances) : []),
    ...(error ? failedInstances(error) : []),
    ...(deploy.completed_at === null ? section('Next', nextSteps(deploy)) : []),
  ];
}

function section(title: string, lines: readonly string[]): string[] {
  return lines.length === 0 ? [] : ['', `${title}:`, ...lines.map((line) => `  ${line}`)];
}

/** The strategy as it is given on the command line. */
export function strategyText({ type, steps, keep_warm: keepWarm }: Strategy): string {
  const warm = keepWarm !== undefined && keepWarm !== '0s' ? keepWarm : null;
  if (type !== 'canary') return warm ? `${type}:${warm}` : type;
  const words = (steps ?? []).map(({ weight, pause }) => `${weight}${pause === null ? '' : `@${pause}`}`).join(',');
  return `${type}:${words}${warm ? `, what served before is kept warm for ${warm}` : ''}`;
}

/** Where a canary stands; null where there is none. */
export function canaryText(deploy: Deploy): string | null {
  const { canary, strategy, canary_request: request } = deploy;
  if (!canary) return null;
  const of = strategy.steps ? ` of ${strategy.steps.length}` : '';
  const next = canary.paused ? 'waits for somebody' : (strategy.steps?.[canary.step]?.pause ?? null);
  const asked = request ? `; ${request.replace('_', ' ')} was asked for` : '';
  const goesOn = next && !canary.paused ? `goes on after ${next}` : next;
  if (canary.weight === 100) return `promoted ${when(canary.since)}`;
  if (deploy.completed_at !== null) return `ended with ${canary.weight} % of the traffic, step ${canary.step + 1}${of}`;
  return `${canary.weight} % of the traffic since ${when(canary.since)}, step ${canary.step + 1}${of}${goesOn ? `, ${goesOn}` : ''}${asked}`;
}

/** Which deploy has to end first, whose it is, how far and how old; null where it waits for none. */
export function waitsForText({ waits_for: before }: Deploy, now = Date.now()): string | null {
  if (!before) return null;
  const age = before.started_at ? `, begun ${duration(now - Date.parse(before.started_at))} ago` : '';
  return `deploy ${before.deploy_id} by ${before.created_by ?? 'the system'} (${before.phase ? phaseText(before.phase) : before.status}${age})`;
}

function commandText({
  service,
  command,
  exit_code: exit,
  ...times
}: DeployDetail['release_commands'][number]): string {
  const end = times.completed_at === null ? 'runs' : exit === null ? 'was ended' : `exit code ${exit}`;
  return `${service}: ${terminalText(command.join(' '))} (${end}, ${tookOf(times) ?? '-'})`;
}

function instanceTable(instances: readonly DeployInstance[]): string[] {
  const rows = instances.map((each) => [
    each.service,
    each.name,
    each.state,
    String(each.restarts),
    each.named ? 'yes' : 'no',
    each.started_at ? when(each.started_at) : '-',
  ]);
  return table(['Service', 'Instance', 'State', 'Restarts', 'Resolves', 'Started'], rows);
}

function failedInstances({ instances, probes, logs, service }: DeployFailure): string[] {
  const told =
    instances.length > 0
      ? instances
      : [{ instance: service ?? 'the container', service: service ?? '', state: 'exited', restarts: 0, probes, logs }];
  return told
    .filter((each) => each.probes.length > 0 || each.logs.length > 0)
    .flatMap((each) => [
      '',
      `${each.instance}: ${each.state}${each.restarts > 0 ? `, restarted ${each.restarts} times` : ''}`,
      ...each.probes
        .slice(-5)
        .map(({ at, ok, detail }) => `  [${clock(at)}] ${ok ? 'ok' : 'failed'}: ${terminalText(detail)}`),
      ...lastLines(each.logs),
    ]);
}

function lastLines(logs: readonly string[]): string[] {
  const last = logs.slice(-shownLines).map((line) => `  | ${terminalText(line)}`);
  return logs.length > shownLines
    ? [`  | … ${logs.length - shownLines} lines before (--json shows all)`, ...last]
    : last;
}

/** What somebody may do about a deploy that has not ended. */
export function nextSteps({
  id,
  status,
  phase,
  approved_by: approvedBy,
  cancel_requested_at: ending,
}: Deploy): string[] {
  // One that has failed gives back already.
  if (ending !== null || phase === 'draining') return [`eve deploy wait ${id}`];
  if (status === 'awaiting_approval' && !approvedBy) return [`eve deploy approve ${id}`, `eve deploy reject ${id}`];
  if (phase === 'canary' || phase === 'paused') return [`eve deploy promote ${id} [--full]`, `eve deploy abort ${id}`];
  return [`eve deploy wait ${id}`, `eve deploy abort ${id}`];
}

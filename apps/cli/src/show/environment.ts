import type { EnvironmentDetail, EnvironmentLock, EnvironmentStatus, ServiceState } from '@eve/protocol-rest/contract';
import { duration, fields, printable, shortSha, table, when } from '../output/text.ts';
import { deployState } from './deploy.ts';
import { canaryText, strategyText } from './deploy-detail.ts';

/** Since when, and how long that is. */
export function since(iso: string, now = Date.now()): string {
  return `${when(iso)} (${duration(now - Date.parse(iso))})`;
}

export function lockText({ holder, reason, since: at }: EnvironmentLock): string {
  return `by ${holder} since ${since(at)}: ${printable(reason, false)}`;
}

/** The record of an environment, with what counts for its next deploy and where that is said. */
export function environmentLines(environment: EnvironmentDetail): string[] {
  const { settings, rules, suspended_reason: why, lock } = environment;
  const rule = (value: string, set: unknown) => `${value}${set === null ? '' : ' (set here)'}`;
  return [
    `Environment: ${environment.name}`,
    ...fields({
      ID: environment.id,
      Type: environment.type,
      Status: `${environment.status}${why ? `: ${printable(why, false)}` : ''}`,
      Locked: lock && lockText(lock),
      Revision: environment.current_revision_id,
      'Last deploy': environment.last_deploy_id,
      Created: when(environment.created_at),
    }),
    'For its next deploy:',
    ...fields({
      Strategy: rule(strategyText(rules.strategy), settings.strategy),
      Approval: rule(rules.approval, settings.approval),
      'Auto-deploy': rule(yesNo(rules.auto_deploy), settings.auto_deploy),
      Protected: rule(yesNo(rules.protected), settings.protected),
      Drift: rule(rules.drift, settings.drift),
      'Auto-rollback': rule(yesNo(rules.auto_rollback), settings.auto_rollback),
      Stabilise: rule(rules.stabilise, settings.stabilise),
    }),
  ];
}

/** An environment on one screen. */
export function statusLines(status: EnvironmentStatus): string[] {
  const { environment, revision, release, last_deploy: last, active_deploy: active, services } = status;
  const failed = active?.error ? active : last?.status === 'failed' ? last : null;
  const { lock, suspended_reason: why } = environment;
  const suspended = environment.status === 'suspended' ? ` (suspended${why ? `: ${printable(why, false)}` : ''})` : '';
  return [
    `Environment: ${status.env_name}`,
    ...fields({
      Status: `${status.status}${suspended}`,
      Ready: readiness(status),
      Why: status.unknown_because,
      Revision: revision ? `${status.env_name}#${revision.number}` : 'none yet',
      Release: release && `${release.tag ?? release.id} (${shortSha(release.git_sha)})`,
      Locked: lock && lockText(lock),
      'Under way':
        active && `${active.id} by ${active.holder} for ${duration(active.age_seconds * 1000)}, ${deployState(active)}`,
      Canary: active && canaryText(active),
      Waiting: status.waiting_deploy && `${status.waiting_deploy.id} ${deployState(status.waiting_deploy)}`,
      'Last deploy':
        last && last.id !== active?.id ? `${last.id} ${deployState(last)}, ${when(last.created_at)}` : null,
      Error: failed?.error_message?.split('\n')[0],
      Drift: driftText(status),
      Hint: status.hint,
    }),
    ...(services.length === 0 ? [] : ['', ...serviceTable(services), ...instanceTable(services)]),
    ...status.differences.map((difference) => `Differs: ${differenceText(difference)}`),
  ];
}

function driftText({ drift, differences, rules }: EnvironmentStatus): string | null {
  if (!drift) return differences.length > 0 ? 'seen just now' : null;
  const what = rules.drift === 'repair' ? 'repaired by itself' : 'reported only';
  return `since ${since(drift.detected_at)}, ${differences.length === 0 ? 'not seen just now' : what}`;
}

export function differenceText({
  kind,
  service,
  instance,
  expected,
  found,
}: EnvironmentStatus['differences'][number]): string {
  return `${kind} ${service}${instance ? ` ${instance}` : ''}: ${found}, expected ${expected}`;
}

function readiness({ ready, status, env_name: name, revision }: EnvironmentStatus): string {
  if (status !== 'deploying' || !revision) return ready ? 'yes' : 'no';
  return ready ? `yes: ${name}#${revision.number} serves while the next revision is tried` : 'no';
}

function serviceTable(services: readonly ServiceState[]): string[] {
  const rows = services.flatMap(({ name, state, instances, replicas, digest_matches: matches, urls }) => {
    const running = instances.filter((instance) => instance.state === 'running' && instance.named).length;
    const image = running === 0 ? '-' : matches ? 'as released' : 'differs';
    return [
      [name, state, `${running}/${replicas}`, image, urls[0] ?? '-'],
      ...urls.slice(1).map((url) => ['', '', '', '', url]),
    ];
  });
  return table(['Service', 'State', 'Running', 'Image', 'Address'], rows);
}

function instanceTable(services: readonly ServiceState[], now = Date.now()): string[] {
  const instances = services.flatMap((service) => service.instances);
  if (instances.length === 0) return [];
  const rows = instances
    .toSorted((a, b) => (a.name < b.name ? -1 : 1))
    .map(({ name, state, named, restarts, last_probe: probe, started_at: started }) => [
      name,
      state === 'running' && !named ? 'is tried' : state,
      started && state === 'running' ? duration(now - Date.parse(started)) : '-',
      String(restarts),
      probe ? `${probe.ok ? 'ok' : 'failed'}: ${printable(probe.detail, false)}` : '-',
    ]);
  return ['', ...table(['Instance', 'State', 'Up', 'Restarts', 'Check'], rows)];
}

function yesNo(value: boolean): string {
  return value ? 'yes' : 'no';
}

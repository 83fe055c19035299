import type { Deploy, EnvironmentStatus, Release, RevisionEntry, RollbackAnswer } from '@eve/protocol-rest/contract';
import { labelOf } from '../output/log-lines.ts';
import { fields, shortHash, shortSha, table, tookOf, when } from '../output/text.ts';
import { waitingText } from './build-run.ts';

export function deployFields(deploy: Deploy): string[] {
  return fields({
    Status: deployState(deploy),
    Cause: deploy.cause,
    Project: deploy.project_id,
    Environment: deploy.environment_id,
    Revision: deploy.revision_id,
    'Rolled back to': deploy.rolled_back_to,
    'Created by': deploy.created_by,
    Created: when(deploy.created_at),
    Took: tookOf(deploy),
    Error: deploy.error_message?.split('\n')[0],
    Type: deploy.error_code && `${labelOf(deploy.error_code)} (${deploy.error_code})`,
    Hint: deploy.error?.hint,
  });
}

export function deployState(deploy: Deploy): string {
  const cancelling = deploy.cancel_requested_at !== null && deploy.completed_at === null ? 'cancelling' : null;
  const phase = deploy.completed_at === null ? deploy.phase : null;
  const more = [cancelling, phase, waitingText(deploy.waiting)].filter((part) => part !== null);
  return `${deploy.status}${more.length > 0 ? ` (${more.join(', ')})` : ''}`;
}

/** One sentence, and what to do where it did not work. */
export function deployOutcome(deploy: Deploy, environment: string | null): string[] {
  const to = environment === null ? '' : ` to ${environment}`;
  const took = tookOf(deploy);
  const after = took ? ` after ${took}` : '';
  if (deploy.status === 'healthy') return [`Deploy${to} is healthy${after}.`];
  if (deploy.status === 'awaiting_approval') return [`Deploy ${deploy.id}${to} waits for an approval.`];
  if (deploy.status !== 'failed') return [`Deploy${to} was ${deploy.status}${after}: what served before serves on.`];
  return [
    `Deploy${to} failed${after}: ${deploy.error_message?.split('\n')[0] ?? 'no reason was recorded'}`,
    ...(deploy.error?.hint ? [`  Hint: ${deploy.error.hint}`] : []),
    `  More: eve deploy logs ${deploy.id}`,
  ];
}

/** What serves now, and where. */
export function servingLines({ revision, release, env_name: name, services }: EnvironmentStatus): string[] {
  const what = revision ? `${name}#${revision.number}` : name;
  const of = release
    ? `, release ${release.tag ?? release.id}${release.git_sha ? ` of ${shortSha(release.git_sha)}` : ''}`
    : '';
  const width = Math.max(0, ...services.map((service) => service.name.length));
  return [
    `Serving: ${what}${of}`,
    ...services.flatMap((service) => {
      const urls = service.urls.length > 0 ? service.urls : ['(no port)'];
      return urls.map((url, index) => `  ${(index === 0 ? service.name : '').padEnd(width)}  ${url}`);
    }),
  ];
}

/** An environment on one screen. */
export function statusLines(status: EnvironmentStatus): string[] {
  const { environment, revision, release, last_deploy: last, services } = status;
  const failed = last?.status === 'failed' ? last : null;
  const lost = status.status === 'degraded' ? wayBack(status) : null;
  return [
    `Environment: ${status.env_name}`,
    ...fields({
      Status: `${status.status}${environment.status === 'suspended' ? ' (suspended)' : ''}`,
      Ready: readiness(status),
      Revision: revision ? `${status.env_name}#${revision.number}` : 'none yet',
      Release: release && `${release.tag ?? release.id} (${shortSha(release.git_sha)})`,
      'Last deploy': last && `${last.id} ${deployState(last)}, ${when(last.created_at)}`,
      Error: failed?.error_message?.split('\n')[0],
      Hint: [failed?.error?.hint, lost].filter((hint) => hint).join(' ') || null,
    }),
    ...(services.length === 0 ? [] : ['', ...serviceTable(services)]),
  ];
}

function readiness({ ready, status, env_name: name, revision }: EnvironmentStatus): string {
  if (status !== 'deploying' || !revision) return ready ? 'yes' : 'no';
  return ready ? `yes: ${name}#${revision.number} serves while the next revision is tried` : 'no';
}

/** How what should serve comes back where the runtime has lost it. */
function wayBack({ env_name: name, revision }: EnvironmentStatus): string | null {
  return revision && `Start again what is missing: eve env rollback ${name} --to ${revision.number}`;
}

function serviceTable(services: EnvironmentStatus['services']): string[] {
  const rows = services.flatMap(({ name, state, instances, replicas, digest_matches: matches, urls }) => {
    const running = instances.filter((instance) => instance.state === 'running').length;
    const restarts = instances.reduce((sum, instance) => sum + instance.restarts, 0);
    const first = [
      name,
      state,
      `${running}/${replicas}`,
      String(restarts),
      running === 0 ? '-' : matches ? 'as released' : 'differs',
    ];
    return [[...first, urls[0] ?? '-'], ...urls.slice(1).map((url) => ['', '', '', '', '', url])];
  });
  return table(['Service', 'State', 'Running', 'Restarts', 'Image', 'Address'], rows);
}

export function deployTable(deploys: readonly Deploy[]): string[] {
  const rows = deploys.map((deploy) => [
    deploy.id,
    deploy.status,
    deploy.cause,
    deploy.created_by ?? '-',
    when(deploy.created_at),
    tookOf(deploy) ?? '-',
  ]);
  return table(['Deploy ID', 'Status', 'Cause', 'Created By', 'Created', 'Took'], rows);
}

export function historyTable(environment: string, entries: readonly RevisionEntry[]): string[] {
  const rows = entries.map(({ revision, release, current, deploy_status: status }) => [
    `${environment}#${revision.number}`,
    current ? 'current' : '',
    status ?? '-',
    release.tag ?? release.id,
    shortSha(release.git_sha),
    revision.created_by ?? '-',
    when(revision.created_at),
  ]);
  return table(['Revision', '', 'Deploy', 'Release', 'SHA', 'Created By', 'Created'], rows);
}

export function rollbackLines({ environment, target, release, plan }: RollbackAnswer): string[] {
  const width = Math.max(0, ...plan.map(({ service }) => service.length));
  return [
    `Rollback of ${environment.name} to ${environment.name}#${target.number} (release ${release.tag ?? release.id})`,
    ...plan.map(({ service, kind, reason }) => `  ${service.padEnd(width)}  ${kind}: ${reason}`),
  ];
}

/** What to know before going back to a revision that never served as it should; null where it did. */
export function rollbackWarning({ environment, target, target_status: status }: RollbackAnswer): string | null {
  if (status === null || status === 'healthy') return null;
  return `Warning: ${environment.name}#${target.number} was never healthy: its deploy is ${status}. Revisions that were: eve env history ${environment.name}`;
}

export function releaseFields(release: Release): string[] {
  const images = Object.entries(release.images).map(
    ([service, { image_ref: ref, digest }]) => `    ${service}: ${ref}@${digest}`,
  );
  return [
    ...fields({
      ID: release.id,
      Tag: release.tag,
      SHA: shortSha(release.git_sha),
      Manifest: shortHash(release.manifest_hash),
      Version: release.version ?? 'N/A',
      Build: release.build_id,
      Local: release.local ? 'yes: only this machine has its images' : null,
      'Created by': release.created_by,
      Created: when(release.created_at),
    }),
    ...(images.length > 0 ? ['  Images:', ...images] : []),
  ];
}

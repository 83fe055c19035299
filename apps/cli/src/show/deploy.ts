import type { Deploy, EnvironmentStatus } from '@eve/protocol-rest/contract';
import { shortSha, tookOf } from '../output/text.ts';
import { waitingText } from './build-run.ts';

export function deployState(deploy: Deploy): string {
  const open = deploy.completed_at === null;
  const more = [
    open && deploy.cancel_requested_at !== null ? 'cancelling' : null,
    open && deploy.phase ? phaseText(deploy.phase) : null,
    open && deploy.status === 'awaiting_approval' && deploy.approved_by ? `approved by ${deploy.approved_by}` : null,
    waitingText(deploy.waiting),
  ].filter((part) => part !== null);
  return `${deploy.status}${more.length > 0 ? ` (${more.join(', ')})` : ''}`;
}

/** A phase in words where its name does not say it: a deploy that drains has failed, and has not ended yet. */
export function phaseText(phase: NonNullable<Deploy['phase']>): string {
  return phase === 'draining' ? 'failed, gives back what served before' : phase;
}

/** One sentence, and what to do where it did not work. */
export function deployOutcome(deploy: Deploy, environment: string | null): string[] {
  const to = environment === null ? '' : ` to ${environment}`;
  const took = tookOf(deploy);
  const after = took ? ` after ${took}` : '';
  if (deploy.status === 'healthy') return [`Deploy${to} is healthy${after}.`];
  if (deploy.status === 'awaiting_approval')
    return [
      `Deploy ${deploy.id}${to} waits for an approval.`,
      `  Approve it: eve deploy approve ${deploy.id}`,
      `  Or not:     eve deploy reject ${deploy.id} --reason <why>`,
    ];
  if (deploy.status === 'deploying' && deploy.phase === 'paused') {
    const weight = deploy.canary ? ` with ${deploy.canary.weight} % of the traffic` : '';
    return [
      `Deploy ${deploy.id}${to} is paused${weight} and waits for somebody.`,
      `  Go on:     eve deploy promote ${deploy.id} [--full]`,
      `  Take back: eve deploy abort ${deploy.id}`,
    ];
  }
  if (deploy.status !== 'failed') {
    const why = deploy.cancel_reason ? ` (${deploy.cancel_reason})` : '';
    return [`Deploy${to} was ${deploy.status}${after}${why}: what served before serves on.`];
  }
  return [
    `Deploy${to} failed${after}: ${deploy.error_message?.split('\n')[0] ?? 'no reason was recorded'}`,
    ...(deploy.rolled_back_to ? ['  What served before serves again.'] : []),
    ...(deploy.error?.hint ? [`  Hint: ${deploy.error.hint}`] : []),
    `  More: eve deploy show ${deploy.id}, eve deploy logs ${deploy.id}`,
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

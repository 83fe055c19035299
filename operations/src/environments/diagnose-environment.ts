import { type Deploy, differenceInWords, type ProjectId } from '@eve/domain';
import type { Caller } from '../caller.ts';
import { ageInWords } from '../deploys/age-in-words.ts';
import { type EnvironmentStatus, environmentStatus } from '../deploys/environment-status.ts';
import type { Platform } from '../platform.ts';
import type { TransitionRecord } from '../ports/stored.ts';
import { redactorOf } from '../runtime-logs/secrets-of-environment.ts';

const tailLines = 20;
const mostEvents = 20;
const mostTailed = 5;

export interface EnvironmentDiagnosis {
  readonly status: EnvironmentStatus;
  /** One sentence. */
  readonly summary: string;
  /** What is wrong, the weightiest first; empty when nothing is. */
  readonly findings: readonly string[];
  readonly suggestedCommand: string | null;
  /** The last lines of what is not well, secrets hidden. */
  readonly logs: readonly { readonly instance: string; readonly lines: readonly string[] }[];
  /** What happened to it and its newest deploy, newest first. */
  readonly events: readonly TransitionRecord[];
  readonly lastFailed: Deploy | null;
}

/** Everything that helps to see why an environment is not as it should be, in one answer, with the command that comes next. */
export async function diagnoseEnvironment(
  platform: Platform,
  caller: Caller,
  { projectId, name }: { projectId: ProjectId; name: string },
): Promise<EnvironmentDiagnosis> {
  const { store, now } = platform;
  const status = await environmentStatus(platform, caller, projectId, name);
  const { environment, lastDeploy, hint } = status;
  const { tenantId, id } = environment;
  const [lastFailed = null] = (await store.deploys.list(tenantId, id, { limit: 1, status: 'failed' })).items;
  const histories = await Promise.all(
    [id, lastDeploy?.id].flatMap((subject) => (subject ? [store.transitions.list(tenantId, subject)] : [])),
  );
  const findings = findingsOf(status, now());
  return {
    status,
    summary: findings[0] ?? `Environment ${name} is ${status.health}.`,
    findings,
    suggestedCommand: /\beve [a-z].*$/.exec(hint ?? '')?.[0] ?? null,
    logs: await logsOfUnwell(platform, status),
    events: histories
      .flat()
      .sort((a, b) => b.sequence - a.sequence)
      .slice(0, mostEvents),
    lastFailed,
  };
}

function findingsOf(status: EnvironmentStatus, at: Date): string[] {
  const { environment, activeDeploy, waitingDeploy, lastDeploy, differences, services, unknownBecause } = status;
  const { name, lock, suspendedReason } = environment;
  const unhealthy = services.flatMap(({ instances }) => instances.filter(({ lastProbe }) => lastProbe?.ok === false));
  return [
    ...(unknownBecause ? [unknownBecause] : []),
    ...differences.map(differenceInWords),
    ...unhealthy.map((each) => `${each.service}: ${each.name} is not healthy: ${each.lastProbe?.detail}`),
    ...(activeDeploy
      ? [
          `Deploy ${activeDeploy.id} by ${activeDeploy.createdBy ?? 'system'} is under way (${activeDeploy.phase}) for ${ageInWords(activeDeploy.startedAt ?? activeDeploy.createdAt, at)}.`,
        ]
      : []),
    ...(waitingDeploy ? [`Deploy ${waitingDeploy.id} is ${waitingDeploy.status}.`] : []),
    ...(lastDeploy?.status === 'failed'
      ? [`The last deploy failed: ${lastDeploy.failure?.message.split('\n')[0]}`]
      : []),
    ...(environment.status === 'suspended'
      ? [`Environment ${name} is suspended${suspendedReason ? `: ${suspendedReason}` : ''}.`]
      : []),
    ...(lock
      ? [`Environment ${name} was locked by ${lock.holder} ${ageInWords(lock.since, at)} ago: ${lock.reason}.`]
      : []),
    ...(status.revision === null && !activeDeploy ? [`Nothing serves in ${name} yet.`] : []),
  ];
}

async function logsOfUnwell(
  platform: Platform,
  { environment, services }: EnvironmentStatus,
): Promise<EnvironmentDiagnosis['logs']> {
  const unwell = services
    .flatMap(({ instances }) => instances)
    .filter(({ state, restarts, lastProbe }) => state !== 'running' || restarts > 0 || lastProbe?.ok === false)
    .slice(0, mostTailed);
  if (unwell.length === 0) return [];
  const redact = await redactorOf(
    platform,
    environment,
    unwell.map(({ deployId }) => deployId),
  );
  return Promise.all(
    unwell.map(async (instance) => ({
      instance: instance.name,
      // It may have gone since it was seen.
      lines: (await platform.deployer.tail(instance, tailLines).catch(() => [])).map(redact),
    })),
  );
}

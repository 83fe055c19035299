import { terminalText } from '@eve/domain';
import type { DeployPlan, Release, RollbackAnswer, ServicePlan } from '@eve/protocol-rest/contract';
import { shortSha } from '../output/text.ts';
import { strategyText } from './deploy-detail.ts';

/** What a deploy would do, service by service. */
export function deployPlanLines(plan: DeployPlan): string[] {
  const { env_name: name, from, release, release_is_new: isNew, pipeline } = plan;
  const what = release ? releaseText(release, isNew) : 'a release that is built first';
  const now = from
    ? `${name}#${from.revision.number} (${releaseText(from.release, false)}) serves now`
    : 'nothing serves yet';
  return [
    `Deploy to ${name}${plan.environment_is_new ? ' (a new environment)' : ''}: ${what}; ${now}`,
    ...(pipeline ? [`  Goes through the pipeline ${pipeline}`] : []),
    ...plannedLines(plan, plan.services),
  ];
}

/** What a rollback does or would do, service by service. */
export function rollbackLines(answer: RollbackAnswer): string[] {
  const { environment, target, release, plan } = answer;
  return [
    `Rollback of ${environment.name} to ${environment.name}#${target.number} (release ${release.tag ?? release.id})`,
    ...plannedLines(answer, plan),
  ];
}

function plannedLines(
  plan: Pick<DeployPlan, 'strategy' | 'approval' | 'release_commands' | 'warnings' | 'refusals'>,
  services: readonly ServicePlan[],
): string[] {
  const width = Math.max(0, ...services.map(({ service }) => service.length));
  return [
    ...services.flatMap((each) => serviceLines(each, width)),
    ...plan.release_commands.map(
      ({ service, command }) =>
        `  Release command of ${service}, before anything starts: ${terminalText(command.join(' '))}`,
    ),
    `  Strategy: ${strategyText(plan.strategy)}`,
    ...(plan.approval ? ['  Waits for an approval before it begins'] : []),
    ...plan.warnings.map((warning) => `  Warning: ${terminalText(warning)}`),
    ...plan.refusals.map(({ code, message }) => `  Refused as things stand (${code}): ${terminalText(message)}`),
  ];
}

function serviceLines({ service, kind, reason, image, replicas, configuration }: ServicePlan, width: number): string[] {
  const inner = ' '.repeat(width + 4);
  const { added, changed, removed } = configuration;
  const keys = [
    ...added.map((name) => `+${name}`),
    ...changed.map((name) => `~${name}`),
    ...removed.map((name) => `-${name}`),
  ];
  return [
    `  ${service.padEnd(width)}  ${kind}: ${reason}`,
    ...(image.from !== image.to ? [`${inner}image ${shortDigest(image.from)} → ${shortDigest(image.to)}`] : []),
    ...(replicas.from !== replicas.to ? [`${inner}replicas ${replicas.from} → ${replicas.to}`] : []),
    // All of it is new, or all of it goes: nothing to compare.
    ...(keys.length > 0 && kind !== 'remove' && replicas.from > 0 ? [`${inner}configuration ${keys.join(' ')}`] : []),
  ];
}

function shortDigest(digest: string | null): string {
  return digest === null ? '(none)' : digest.replace(/^sha256:/, '').slice(0, 12);
}

function releaseText({ tag, id, git_sha: sha, local }: Release, isNew: boolean): string {
  const name = tag ?? (isNew ? 'a new release' : id);
  return `${name}${sha ? ` of ${shortSha(sha)}` : ''}${local ? ', local' : ''}`;
}

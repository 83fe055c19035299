import { DeployFailed, type Strategy } from '@eve/domain';
import { featuresOf, withoutEffect } from '../manifests/runtime-features.ts';
import type { Platform } from '../platform.ts';
import { allocateAddresses } from './allocate-addresses.ts';
import { deployFailure } from './deploy-failure.ts';
import type { Execution } from './execution.ts';

/** Refuses what cannot work, says what is going to change, and gives routed ports their addresses. Nothing has been started yet. */
export async function announceDeploy(platform: Platform, { context, writer }: Execution): Promise<void> {
  const { target, environment, revision, missingSecrets, deploy } = context;
  if (missingSecrets.length > 0)
    throw new DeployFailed(deployFailure('secret_missing', `No longer set: ${missingSecrets.join(', ')}.`));
  const services = target.services.map(({ service }) => service);
  const unsupported = platform.deployer.unsupported(services);
  if (unsupported.length > 0)
    throw new DeployFailed(deployFailure('engine_error', `This deployer cannot: ${unsupported.join('; ')}.`));
  const about = { step: 'plan' };
  writer.say(`Deploying ${environment.name}#${revision.number}`, about);
  writer.say(`Strategy: ${strategyInWords(deploy.strategy)}`, about);
  for (const warning of deploy.warnings) writer.say(`Warning: ${warning}`, about);
  for (const { path, message } of withoutEffect(platform.settings, featuresOf(services)))
    writer.say(`${path}: ${message}`, about);
  for (const { kind, service, reason, instances } of await platform.deployer.plan(target))
    writer.say(`${kind} ${service}${instances > 1 ? ` ×${instances}` : ''}: ${reason}`, { ...about, service });
  await allocateAddresses(platform, context);
  platform.failpoint('after-plan');
}

/** Such as `canary: 10 % until it is promoted, 50 % for 60 s, then all`. */
function strategyInWords(strategy: Strategy): string {
  if (strategy.kind === 'rolling') return 'rolling, replicas one after another';
  const warm =
    strategy.keepWarmMs > 0 ? `; what it replaces is kept warm for ${secondsInWords(strategy.keepWarmMs)}` : '';
  if (strategy.kind === 'blue_green') return `blue-green, all at once when everything is healthy${warm}`;
  const steps = strategy.steps.map(({ weight, pauseMs }) =>
    pauseMs === null ? `${weight} % until it is promoted` : `${weight} % for ${secondsInWords(pauseMs)}`,
  );
  return `canary, ${[...steps, 'then all'].join(', ')}${warm}`;
}

/** A length of time for people: `90 s`, `0.5 s`. */
export function secondsInWords(ms: number): string {
  return `${Math.round(ms / 100) / 10} s`;
}

import {
  type Deploy,
  DeployFailed,
  type DeployFailure,
  PlatformError,
  type ReleaseCommandRun,
  shortId,
  startOrder,
} from '@eve/domain';
import type { Platform } from '../platform.ts';
import type { DeployTarget, ServiceTarget } from '../ports/deployer.ts';
import type { RunnerPlan } from '../ports/runner.ts';
import { secondsInWords } from './announce-deploy.ts';
import { bringUpNeeds } from './bring-up-needs.ts';
import type { DeployContext } from './deploy-context.ts';
import { deployFailure } from './deploy-failure.ts';
import { type Execution, setPhase } from './execution.ts';

const step = 'release_command';
const lastLines = 100;
const lookMs = 2_000;

/**
 * Runs each service's release command in its image, one after another in the order of depends_on, before anything new is started
 * but what the command needs and does not find. Each runs at most once per deploy: a later worker follows on what an earlier one
 * started. Going back runs none.
 */
export async function runReleaseCommands(platform: Platform, execution: Execution): Promise<void> {
  const { deploy, target } = execution.context;
  if (deploy.cause === 'rollback' || deploy.cause === 'repair') return;
  const ordered = startOrder(target.services.map(({ service }) => service)).flat();
  const commanding = ordered.flatMap(({ name, releaseCommand }) =>
    releaseCommand ? (target.services.find(({ service }) => service.name === name) ?? []) : [],
  );
  for (const wanted of commanding) await runOne(platform, execution, wanted);
  platform.failpoint('after-release-command');
}

/** Ends the commands of a deploy that is given up, and removes what a worker that died has left of those that ended. */
export async function stopReleaseCommands(
  { runner }: Pick<Platform, 'runner'>,
  { deploy, target }: Pick<DeployContext, 'deploy' | 'target'>,
): Promise<void> {
  for (const { service } of deploy.releaseCommands) await runner.stop(runName(target, service));
}

function runName({ place, deployId }: DeployTarget, service: string): string {
  return `${place}-${service}-release-${shortId(deployId)}`;
}

async function runOne(platform: Platform, execution: Execution, wanted: ServiceTarget): Promise<void> {
  const { runner, now } = platform;
  const { context, writer, signal, until } = execution;
  const { releaseCommand } = wanted.service;
  if (!releaseCommand) return;
  const service = wanted.service.name;
  const about = { service, step };
  const command = inWords(releaseCommand.command);
  const known = context.deploy.releaseCommands.find((run) => run.service === service);
  const plan = runnerPlan(execution, wanted);
  until.throwIfAborted();
  if (!known?.completedAt) {
    await setPhase(platform, execution, 'release_command');
    await bringUpNeeds(platform, execution, wanted);
    const begun = { service, command: releaseCommand.command, startedAt: now(), completedAt: null, exitCode: null };
    const run: ReleaseCommandRun = known ?? begun;
    await remember(platform, execution, run);
    writer.say(known ? `Following ${command} again` : `Running ${command}`, about);
    const ended = await follow(platform, execution, wanted, plan, run);
    // A worker that stops leaves it running: the next one follows it.
    signal.throwIfAborted();
    await remember(platform, execution, { ...run, completedAt: now(), exitCode: ended.exitCode });
    await runner.stop(plan.name);
    until.throwIfAborted();
    if (ended.failure) throw new DeployFailed({ ...ended.failure, logs: ended.lines });
    const tookMs = now().getTime() - run.startedAt.getTime();
    return writer.say(`Done in ${secondsInWords(tookMs)}`, about);
  }
  await runner.stop(plan.name);
  if (known.exitCode !== 0) throw new DeployFailed(failed(wanted, `exited with ${known.exitCode ?? 'a signal'}`));
}

interface Ended {
  readonly exitCode: number | null;
  readonly failure: DeployFailure | null;
  readonly lines: readonly string[];
}

/** Prints what the command prints, until it has ended; ends it when its time is over or the deploy is cancelled. */
async function follow(
  { runner, logs, now }: Platform,
  { context, work, writer, signal, until }: Execution,
  wanted: ServiceTarget,
  plan: RunnerPlan,
  { startedAt }: ReleaseCommandRun,
): Promise<Ended> {
  const service = wanted.service.name;
  const timeoutMs = wanted.service.releaseCommand?.timeoutMs ?? 0;
  // One that ended while nobody looked still has its end to tell.
  const leftMs = Math.max(lookMs, startedAt.getTime() + timeoutMs - now().getTime());
  const late = AbortSignal.timeout(leftMs);
  const stop = AbortSignal.any([until, late]);
  const printed = (await logs.read(context.deploy, { tail: 1_000, step })).filter(
    (line) => line.service === service && line.stream !== 'platform',
  );
  const lines: string[] = printed.map(({ text }) => text);
  const ended = (exitCode: number | null, failure: DeployFailure | null): Ended => ({
    exitCode,
    failure,
    lines: lines.slice(-lastLines),
  });
  try {
    await runner.ensure(plan, work.lease);
    for await (const event of runner.follow(plan.name, await seenUntil(logs, context.deploy, service), stop)) {
      if (event.type === 'exited') {
        const why = event.outOfMemory ? 'ran out of memory' : `exited with ${event.code}`;
        return ended(event.code, event.code === 0 ? null : failed(wanted, why));
      }
      const { stream, text, at, cursor } = event;
      lines.push(text);
      await writer.print({ service, step, stream, text, at, ...(cursor && { cursor: cursorOf(service, cursor) }) });
    }
  } catch (error) {
    if (error instanceof PlatformError && error.code === 'image_unknown')
      return ended(null, deployFailure('image_pull_error', error.message, service));
    // It has begun, and is not begun anew whatever it had done by then.
    if (error instanceof PlatformError && error.code === 'record_changed' && !stop.aborted)
      return ended(null, failed(wanted, `ended, and nobody knows how (${error.message.replace(/\.$/, '')})`));
    if (!stop.aborted || signal.aborted) throw error;
  }
  signal.throwIfAborted();
  return ended(null, failed(wanted, `did not end within ${secondsInWords(timeoutMs)}`));
}

/** Up to where an earlier worker has printed this service's command: kept with its last line, so that none is lost or comes twice. */
async function seenUntil(logs: Platform['logs'], deploy: Deploy, service: string): Promise<string | null> {
  const cursor = await logs.cursor(deploy);
  const mine = cursorOf(service, '');
  return cursor?.startsWith(mine) ? cursor.slice(mine.length) : null;
}

/** A deploy has one cursor, and commands of several services follow each other. */
function cursorOf(service: string, cursor: string): string {
  return `${service} ${cursor}`;
}

async function remember(platform: Platform, execution: Execution, run: ReleaseCommandRun): Promise<void> {
  const others = execution.context.deploy.releaseCommands.filter(({ service }) => service !== run.service);
  await setPhase(platform, execution, 'release_command', { releaseCommands: [...others, run] });
}

function failed({ service }: ServiceTarget, problem: string) {
  const command = inWords(service.releaseCommand?.command ?? []);
  const message = `The release command of ${service.name} (${command}) ${problem}; nothing new serves.`;
  return deployFailure('release_command_failed', message, service.name);
}

function inWords(command: readonly string[]): string {
  return command.join(' ');
}

function runnerPlan({ context }: Execution, wanted: ServiceTarget): RunnerPlan {
  const { target, environment } = context;
  const { service, image, login } = wanted;
  const { shell = false, command = [] } = service.releaseCommand ?? {};
  return {
    name: runName(target, service.name),
    image,
    command,
    // A line for a shell is nothing for the program that the image starts with; a list goes to it as the service's own command does.
    entrypoint: shell ? ['/bin/sh', '-c'] : service.entrypoint,
    user: service.user,
    workingDir: service.workingDir,
    environment: wanted.environment,
    place: target.place,
    environmentId: environment.id,
    login,
    limits: service.resources,
  };
}

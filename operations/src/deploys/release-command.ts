import { DeployFailed, type ReleaseCommandRun, shortId, startOrder } from '@eve/domain';
import type { Platform } from '../platform.ts';
import type { DeployTarget, ServiceTarget } from '../ports/deployer.ts';
import type { RunnerPlan } from '../ports/runner.ts';
import { secondsInWords } from './announce-deploy.ts';
import type { DeployContext } from './deploy-context.ts';
import { deployFailure } from './deploy-failure.ts';
import { type Execution, setPhase } from './execution.ts';

const step = 'release_command';
const lastLines = 100;

/**
 * Runs each service's release command in its image before anything new is started, one after another in the order of depends_on.
 * Each runs at most once per deploy: a later worker follows on what an earlier one started. Going back runs none.
 */
export async function runReleaseCommands(platform: Platform, execution: Execution): Promise<void> {
  const { context, work, until } = execution;
  const { deploy, target } = context;
  if (deploy.cause === 'rollback' || deploy.cause === 'repair') return;
  const ordered = startOrder(target.services.map(({ service }) => service)).flat();
  const commanding = ordered.flatMap(({ name, releaseCommand }) =>
    releaseCommand ? (target.services.find(({ service }) => service.name === name) ?? []) : [],
  );
  if (commanding.length > 0) {
    // The environment's network, before anything is in it.
    const nothing = Object.fromEntries(ordered.map(({ name }) => [name, 0]));
    for await (const _ of platform.deployer.apply(target, work.lease, until, nothing)) until.throwIfAborted();
  }
  for (const wanted of commanding) await runOne(platform, execution, wanted);
  platform.failpoint('after-release-command');
}

/** Ends the commands of a deploy that still run; a deploy that is given up has no use for them. */
export async function stopReleaseCommands(
  { runner }: Pick<Platform, 'runner'>,
  { deploy, target }: Pick<DeployContext, 'deploy' | 'target'>,
): Promise<void> {
  for (const { service, completedAt } of deploy.releaseCommands)
    if (!completedAt) await runner.stop(runName(target, service));
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
  const run: ReleaseCommandRun = known ?? {
    service,
    command: releaseCommand.command,
    startedAt: now(),
    completedAt: null,
    exitCode: null,
  };
  const plan = runnerPlan(execution, wanted);
  until.throwIfAborted();
  if (!run.completedAt) {
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
  if (run.exitCode !== 0) throw new DeployFailed(failed(wanted, `exited with ${run.exitCode ?? 'a signal'}`));
}

interface Ended {
  readonly exitCode: number | null;
  readonly failure: ReturnType<typeof deployFailure> | null;
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
  const leftMs = Math.max(0, startedAt.getTime() + timeoutMs - now().getTime());
  const late = AbortSignal.timeout(leftMs);
  const stop = AbortSignal.any([until, late]);
  const printed = (await logs.read(context.deploy, { tail: 1_000, step })).filter(
    (line) => line.service === service && line.stream !== 'platform',
  );
  const seenUntil = printed.at(-1)?.at.getTime() ?? Number.NEGATIVE_INFINITY;
  const lines: string[] = printed.map(({ text }) => text);
  const ended = (exitCode: number | null, problem: string | null): Ended => ({
    exitCode,
    failure: problem === null ? null : failed(wanted, problem),
    lines: lines.slice(-lastLines),
  });
  try {
    await runner.ensure(plan, work.lease);
    for await (const event of runner.follow(plan.name, null, stop)) {
      if (event.type === 'exited') {
        const why = event.outOfMemory ? 'ran out of memory' : `exited with ${event.code}`;
        return ended(event.code, event.code === 0 ? null : why);
      }
      if (event.at.getTime() <= seenUntil) continue;
      lines.push(event.text);
      await writer.print({ service, step, stream: event.stream, text: event.text, at: event.at });
    }
  } catch (error) {
    if (!stop.aborted || signal.aborted) throw error;
  }
  signal.throwIfAborted();
  return ended(null, `did not end within ${secondsInWords(timeoutMs)}`);
}

async function remember(platform: Platform, execution: Execution, run: ReleaseCommandRun): Promise<void> {
  const others = execution.context.deploy.releaseCommands.filter(({ service }) => service !== run.service);
  await setPhase(platform, execution, 'release_command', { releaseCommands: [...others, run] });
}

function failed({ service }: ServiceTarget, problem: string) {
  const command = inWords(service.releaseCommand?.command ?? []);
  const message = `The release command of ${service.name} (${command}) ${problem}; nothing was started.`;
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

import {
  type Container,
  connectNetwork,
  containerLogs,
  createContainer,
  type DockerEngine,
  ensureImage,
  inspectContainer,
  isDockerError,
  listContainers,
  listNetworks,
  removeContainer,
  startContainer,
  waitForExit,
} from '@eve/adapter-docker';
import { PlatformError } from '@eve/domain';
import type { Lease, Runner, RunnerEvent, RunnerPlan } from '@eve/operations';
import { runLabel, runnerBody } from './runner-body.ts';

export interface DockerRunnerOptions {
  readonly engine: DockerEngine;
  /** Tells this installation's containers from another one's on the same engine. */
  readonly installation: string;
}

/** A line with the place to go on from: the engine's own time of it, in nanoseconds. */
export type DockerRunnerEvent =
  | (Extract<RunnerEvent, { type: 'log' }> & { readonly cursor: string })
  | Extract<RunnerEvent, { type: 'exited' }>;

/** Runs containers to completion on a Docker engine. A cursor is the time of the last line that was seen. */
export function dockerRunner({ engine, installation }: DockerRunnerOptions): Runner {
  return {
    async ensure(plan, lease) {
      const there = await inspectContainer(engine, plan.name);
      if (!there) await create(engine, plan, installation, lease);
      else refuseOldFence(there, lease);
      const made = there ?? (await inspectContainer(engine, plan.name));
      if (made?.State.Status === 'created') await prepareAndStart(engine, made, plan.place);
      return plan.name;
    },

    follow: (ref, cursor, signal) => follow(engine, ref, cursor, signal),
    stop: (ref) => removeContainer(engine, ref),

    async list() {
      const labels = [`${runLabel.installation}=${installation}`, `${runLabel.role}=run`];
      return (await listContainers(engine, labels)).flatMap(({ Names }) => Names[0]?.slice(1) ?? []);
    },
  };
}

async function create(engine: DockerEngine, plan: RunnerPlan, installation: string, lease: Lease): Promise<void> {
  try {
    await ensureImage(engine, plan.image, plan.login);
    await createContainer(engine, plan.name, runnerBody(plan, installation, lease));
  } catch (error) {
    // 409: another worker made it in the meantime, and this is its container as well as ours.
    if (!isDockerError(error, 409)) throw error;
  }
}

/** On the environment's networks of names too, so that a release command finds the database by its name. */
async function prepareAndStart(engine: DockerEngine, container: Container, place: string | null): Promise<void> {
  const networks = place === null ? [] : await listNetworks(engine, [`${runLabel.place}=${place}`]);
  for (const { Name } of networks)
    if (!container.NetworkSettings.Networks[Name]) await connectNetwork(engine, Name, container.Id, { aliases: [] });
  await startContainer(engine, container.Id);
}

async function* follow(
  engine: DockerEngine,
  ref: string,
  cursor: string | null,
  signal: AbortSignal,
): AsyncGenerator<DockerRunnerEvent> {
  const after = cursor === null ? null : nanosecondTime(cursor);
  const since = after === null ? undefined : unixTime(after);
  for await (const { stream, text, time } of containerLogs(engine, ref, {
    follow: true,
    timestamps: true,
    since,
    signal,
  })) {
    const seen = nanosecondTime(time ?? '');
    if (after === null || seen > after) yield { type: 'log', stream, text, at: new Date(seen), cursor: seen };
  }
  await waitForExit(engine, ref, signal);
  const ended = await inspectContainer(engine, ref, signal);
  if (!ended) throw new PlatformError('record_changed', `The container ${ref} was removed while it was followed.`);
  yield { type: 'exited', code: ended.State.ExitCode, outOfMemory: ended.State.OOMKilled };
}

function refuseOldFence(container: Container, lease: Lease): void {
  const { [runLabel.work]: work, [runLabel.fence]: fence } = container.Config.Labels;
  if (work === lease.workId && Number(fence) > lease.fence)
    throw new PlatformError('lease_lost', `Another worker runs ${container.Name.slice(1)} by now.`);
}

/** Times of equal length, so that they compare as texts: always nine digits of fraction. */
function nanosecondTime(time: string): string {
  const [, seconds = '1970-01-01T00:00:00', fraction = ''] = /^(.{19})(?:\.(\d+))?Z$/.exec(time) ?? [];
  return `${seconds}.${fraction.padEnd(9, '0')}Z`;
}

function unixTime(time: string): string {
  return `${Date.parse(`${time.slice(0, 19)}Z`) / 1000}.${time.slice(20, 29)}`;
}

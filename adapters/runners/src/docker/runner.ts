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
  type Network,
  removeContainer,
  startContainer,
  stopContainer,
  waitForExit,
  whyNotPulled,
} from '@eve/adapter-docker';
import { PlatformError } from '@eve/domain';
import type { Lease, Runner, RunnerEvent, RunnerPlan } from '@eve/operations';
import { runLabel, runnerBody } from './runner-body.ts';

export interface DockerRunnerOptions {
  readonly engine: DockerEngine;
  /** Tells this installation's containers from another one's on the same engine. */
  readonly installation: string;
}

/** For this long a run that is stopped may put things in order. */
const stopGraceSeconds = 5;

/** Runs containers to completion on a Docker engine. A cursor is the time of the last line that was seen. */
export function dockerRunner({ engine, installation }: DockerRunnerOptions): Runner {
  return {
    async ensure(plan, lease) {
      const there = await inspectContainer(engine, plan.name);
      if (!there) await create(engine, plan, installation, lease);
      else refuseOldFence(there, lease);
      const made = there ?? (await inspectContainer(engine, plan.name));
      if (made?.State.Status === 'created' && !neverRan(made)) await prepareAndStart(engine, made, plan.place);
      return plan.name;
    },

    follow: (ref, cursor, signal) => follow(engine, ref, cursor, signal),
    async stop(ref) {
      await stopContainer(engine, ref, { timeoutSeconds: stopGraceSeconds });
      await removeContainer(engine, ref);
    },

    async list() {
      const labels = [`${runLabel.installation}=${installation}`, `${runLabel.role}=run`];
      return (await listContainers(engine, labels)).flatMap(({ Names }) => Names[0]?.slice(1) ?? []);
    },
  };
}

async function networksOf(engine: DockerEngine, place: string | null): Promise<Network[]> {
  if (place === null) return [];
  const networks = await listNetworks(engine, [`${runLabel.place}=${place}`]);
  if (networks.some(({ Name }) => Name === place)) return networks;
  throw new PlatformError(
    'engine_unavailable',
    `The engine has no network ${place}: nothing of the environment is up.`,
  );
}

async function create(engine: DockerEngine, plan: RunnerPlan, installation: string, lease: Lease): Promise<void> {
  await networksOf(engine, plan.place);
  try {
    await ensureImage(engine, plan.image, plan.login);
  } catch (error) {
    if (!isDockerError(error) || whyNotPulled(error) === 'outage') throw error;
    throw new PlatformError('image_unknown', `The image ${plan.image} of ${plan.name} cannot be had: ${error.message}`);
  }
  try {
    await createContainer(engine, plan.name, runnerBody(plan, installation, lease));
  } catch (error) {
    // 409: another worker made it in the meantime, and this is its container as well as ours.
    if (!isDockerError(error, 409)) throw error;
  }
}

/** On the environment's networks of names too, so that a release command finds the database by its name. */
async function prepareAndStart(engine: DockerEngine, container: Container, place: string | null): Promise<void> {
  const networks = await networksOf(engine, place);
  for (const { Name } of networks)
    if (!container.NetworkSettings.Networks[Name]) await connectNetwork(engine, Name, container.Id, { aliases: [] });
  try {
    await startContainer(engine, container.Id);
  } catch (error) {
    const failed = isDockerError(error) && (await inspectContainer(engine, container.Id));
    if (!failed || !neverRan(failed)) throw error;
  }
}

async function* follow(
  engine: DockerEngine,
  ref: string,
  cursor: string | null,
  signal: AbortSignal,
): AsyncGenerator<RunnerEvent> {
  const options = { follow: true, timestamps: true, after: cursor ?? undefined, signal };
  for await (const { stream, text, time } of containerLogs(engine, ref, options)) {
    const seen = time ?? '';
    yield { type: 'log', stream, text, at: new Date(seen), cursor: seen };
  }
  await waitForExit(engine, ref, signal);
  const ended = await inspectContainer(engine, ref, signal);
  if (!ended) throw new PlatformError('record_changed', `The container ${ref} was removed while it was followed.`);
  const { ExitCode: code, OOMKilled: outOfMemory, Error: said } = ended.State;
  const { Created: made } = ended;
  if (neverRan(ended) && cursor !== made)
    yield { type: 'log', stream: 'stderr', text: said, at: new Date(made), cursor: made };
  yield { type: 'exited', code, outOfMemory };
}

/** Whether its program was not there or may not be run: it ends with the shell's number for that, as it does within an image. */
function neverRan({ State: { Status: status, ExitCode: code } }: Container): boolean {
  return status === 'created' && (code === 126 || code === 127);
}

function refuseOldFence(container: Container, lease: Lease): void {
  const { [runLabel.work]: work, [runLabel.fence]: fence } = container.Config.Labels;
  if (work === lease.workId && Number(fence) > lease.fence)
    throw new PlatformError('lease_lost', `Another worker runs ${container.Name.slice(1)} by now.`);
}

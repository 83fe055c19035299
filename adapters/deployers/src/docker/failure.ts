import { type Container, containerLogs, type DockerEngine, DockerError, whyNotPulled } from '@eve/adapter-docker';
import {
  DeployFailed,
  type DeployFailureCode,
  type DeployId,
  type InstanceReport,
  type ProbeResult,
} from '@eve/domain';
import { findInstances, label } from './found.ts';
import type { ProbeHistory } from './probe-history.ts';

/** Of a line in a report: it is read by people and kept for long. */
const longestLine = 10_000;

/** The last lines that a container printed; none when it is gone. */
export async function lastLines(engine: DockerEngine, id: string, lines: number): Promise<string[]> {
  const printed: string[] = [];
  try {
    for await (const { text } of containerLogs(engine, id, { tail: lines })) printed.push(text.slice(0, longestLine));
  } catch (error) {
    if (!(error instanceof DockerError)) throw error;
  }
  return printed.slice(-lines);
}

/** A deploy's failure in one service, with what the container printed. */
export async function deployFailed(
  engine: DockerEngine,
  failure: {
    readonly code: DeployFailureCode;
    readonly message: string;
    readonly service: string;
    readonly hint: string;
    readonly container?: string;
    readonly probes?: readonly ProbeResult[];
    readonly cause?: unknown;
  },
): Promise<DeployFailed> {
  const { code, message, service, hint, container, probes = [], cause } = failure;
  const logs = container ? await lastLines(engine, container, 100) : [];
  return new DeployFailed({ code, message, service, hint, probes: probes.slice(-20), logs, instances: [] }, { cause });
}

/** The same failure with every instance that its deploy had started, as it is now. */
export async function withInstances(
  { engine, history }: { readonly engine: DockerEngine; readonly history: ProbeHistory },
  deployId: DeployId,
  failed: DeployFailed,
): Promise<DeployFailed> {
  const found = await findInstances(engine, { [label.deploy]: deployId });
  const instances = await Promise.all(
    found.map(async ({ instance: { name: instance, service, state, restarts } }): Promise<InstanceReport> => {
      const logs = await lastLines(engine, instance, 100);
      return { instance, service, state, restarts, probes: history.of(instance), logs };
    }),
  );
  return new DeployFailed({ ...failed.failure, instances }, { cause: failed.cause });
}

/** What an error of the engine means for a deploy. */
export async function engineFailure(
  engine: DockerEngine,
  service: string,
  error: DockerError,
  container?: string,
): Promise<DeployFailed> {
  const common = { service, container, cause: error };
  const said = error.message;
  if (/OCI runtime create failed|executable file not found|no such file or directory/i.test(said))
    return deployFailed(engine, {
      ...common,
      code: 'container_exited',
      message: `${service} could not be started: ${said}`,
      hint: 'Check command, entrypoint, user and working directory: the image has to hold the program they name.',
    });
  if (/no space left|cannot allocate memory|minimum memory/i.test(said))
    return deployFailed(engine, {
      ...common,
      code: 'resource_error',
      message: `The machine has no room for ${service}: ${said}`,
      hint: 'Free disk or memory, or change the resources of the service, and deploy again.',
    });
  return deployFailed(engine, {
    ...common,
    code: 'engine_error',
    message: `The Docker engine refused ${service}: ${said}`,
    hint: 'The message is the engine’s own; its log may say more.',
  });
}

const pullHints = {
  denied: 'The registry refused: check the secrets that log in to it.',
  missing: 'The registry or engine does not hold it: was it built and pushed, or removed since?',
  outage: 'Can this machine reach the registry?',
};

/** What an image that cannot be had means for a deploy. */
export function pullFailure(
  engine: DockerEngine,
  service: string,
  image: string,
  error: DockerError,
): Promise<DeployFailed> {
  const why = whyNotPulled(error);
  return deployFailed(engine, {
    code: 'image_pull_error',
    message: `The image ${image} of ${service} could not be pulled: ${error.message}`,
    service,
    hint: pullHints[why],
    cause: error,
  });
}

/** A container that ended although it should run. */
export function exitFailure(
  engine: DockerEngine,
  service: string,
  container: Container,
  probes: readonly ProbeResult[],
): Promise<DeployFailed> {
  const { ExitCode: code, OOMKilled: outOfMemory } = container.State;
  const times = container.RestartCount > 0 ? ` and was restarted ${container.RestartCount} times` : '';
  return deployFailed(engine, {
    code: 'container_exited',
    message: `${service} exited with ${code}${outOfMemory ? ' (out of memory)' : ''}${times} before it was healthy.`,
    service,
    hint: outOfMemory
      ? 'It needed more memory than its limit: raise deploy.resources.limits.memory.'
      : code === 127 || code === 126
        ? 'Its command was not found or may not be run: check command and entrypoint.'
        : code === 0
          ? 'It ended by itself: a service has to stay in the foreground; something that ends is a job.'
          : 'Its last lines say why; often a variable or something it depends on is missing.',
    container: container.Id,
    probes,
  });
}

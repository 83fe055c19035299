import type { Readable } from 'node:stream';
import { PlatformError } from '@eve/domain';
import type { Cluster, ContainerPlace } from './cluster.ts';
import type { Connection } from './connection.ts';
import { ClusterRefused, type Status, unreachable } from './error.ts';
import { type Channels, openChannels } from './exec-channels.ts';
import { kinds } from './kinds.ts';
import { objectPath } from './paths.ts';
import { containerStatus } from './pod-status.ts';

const longestMessage = 65_536;

export interface ExecOptions {
  readonly input?: Readable;
  readonly onOutput?: (chunk: Buffer, stream: 'stdout' | 'stderr') => void;
}

/** Runs a program in a container; resolves with its exit code. */
export async function execIn(
  connection: Connection,
  get: Cluster['get'],
  place: ContainerPlace,
  command: readonly string[],
  { input, onOutput }: ExecOptions,
  signal: AbortSignal,
): Promise<number> {
  const act = `run ${command[0] ?? 'nothing'} in ${place.container} of pod ${place.pod} in namespace ${place.namespace}`;
  const query = new URLSearchParams({ container: place.container, stdout: 'true', stderr: 'true' });
  if (input) query.append('stdin', 'true');
  for (const word of command) query.append('command', word);
  const path = `${objectPath(kinds.Pod, place.pod, place.namespace, 'exec')}?${query}`;
  const isRunning = async () => {
    const pod = await get(kinds.Pod, place.pod, place.namespace);
    return containerStatus(pod, place.container)?.state?.running !== undefined;
  };
  let inputError: unknown = null;
  try {
    const channels = await openChannels(connection, { path, act, signal, isRunning }, (name, bytes) =>
      onOutput?.(bytes, name),
    );
    const abort = () => channels.close();
    signal.addEventListener('abort', abort, { once: true });
    if (input) {
      feed(channels, input).catch((error: unknown) => {
        // A program may end before it has read everything: then that it ended is what counts.
        if (channels.isClosed()) return;
        inputError = error;
        channels.close();
      });
    }
    const outcome = await channels.outcome;
    signal.removeEventListener('abort', abort);
    signal.throwIfAborted();
    if (inputError) throw inputError;
    if (outcome === null) throw unreachable(connection.server, 'the connection to a running program broke');
    return exitCode(outcome, act, connection.server);
  } finally {
    input?.destroy();
  }
}

/** As fast as it is taken on the other side. */
async function feed(channels: Channels, input: Readable): Promise<void> {
  for await (const chunk of input as AsyncIterable<Buffer | string>) {
    const bytes = typeof chunk === 'string' ? Buffer.from(chunk) : chunk;
    for (let at = 0; at < bytes.length; at += longestMessage)
      await channels.send(bytes.subarray(at, at + longestMessage));
  }
  channels.endInput();
}

/** Exported for tests. */
export function exitCode(outcome: Status, act: string, server: string): number {
  if (outcome.status === 'Success') return 0;
  const code = outcome.details?.causes?.find(({ reason }) => reason === 'ExitCode')?.message;
  if (code !== undefined) return Number(code);
  const said = outcome.message ?? 'no reason was given';
  if (/container not found|container is not created or running|not found in pod/.test(said)) {
    throw new ClusterRefused('not_found', `Kubernetes refused to ${act}: the container does not run (${said}).`);
  }
  if (/executable file not found|no such file or directory|permission denied|exec format error/.test(said)) {
    throw new ClusterRefused('invalid', `Kubernetes refused to ${act}: ${said}.`);
  }
  throw new PlatformError('cluster_unreachable', `The Kubernetes API server at ${server} could not ${act}: ${said}.`);
}

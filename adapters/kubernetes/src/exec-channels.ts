import { PassThrough } from 'node:stream';
import type { KubeConfig } from '@kubernetes/client-node';
import type { Connection } from './connection.ts';
import { ClusterRefused, isRefused, type Status, unreachable } from './error.ts';

/** The streams of a running program, all in one web socket. */
export interface Channels {
  /** Resolves once these bytes have left here. */
  send(input: Buffer): Promise<void>;
  endInput(): void;
  /** How it ended; null when the connection broke before that was known. */
  readonly outcome: Promise<Status | null>;
  isClosed(): boolean;
  close(): void;
}

interface Opening {
  readonly path: string;
  readonly act: string;
  readonly signal: AbortSignal;
  /** Whether the container does, for a better message. */
  isRunning(): Promise<boolean>;
}

// The first byte of each message.
const stdin = 0;
const stdout = 1;
const stderr = 2;
const status = 3;
const close = 255;

const handshakeMs = 30_000;

export async function openChannels(
  connection: Connection,
  opening: Opening,
  onOutput: (stream: 'stdout' | 'stderr', bytes: Buffer) => void,
): Promise<Channels> {
  const { WebSocketHandler } = await import('@kubernetes/client-node/dist/web-socket-handler.js');
  const { promise: outcome, resolve } = Promise.withResolvers<Status | null>();
  let said: Status | null = null;
  // Its own handling of closed channels would close this process's standard streams.
  const none = () => ({ stdin: new PassThrough(), stdout: new PassThrough(), stderr: new PassThrough() });
  const connect = () =>
    new WebSocketHandler(configFor(connection, opening.signal), undefined, none()).connect(
      `${connection.credentials.server.pathname.replace(/\/$/, '')}${opening.path}`,
      null,
      (channel, bytes) => {
        if (channel === stdout) onOutput('stdout', bytes);
        if (channel === stderr) onOutput('stderr', bytes);
        if (channel !== status) return true;
        said = statusIn(bytes);
        return false;
      },
    );
  const began = performance.now();
  const socket = await connect().catch(async (error: unknown) => {
    opening.signal.throwIfAborted();
    if (responseCode(error) === 401 && (await connection.credentials.renew(began))) {
      return connect().catch((again: unknown) => refusedHandshake(connection, opening, again));
    }
    return refusedHandshake(connection, opening, error);
  });
  socket.onclose = () => resolve(said);
  // All messages of what has closed meanwhile have been handed on.
  if (socket.readyState === socket.CLOSED) resolve(said);

  return {
    outcome,
    send: (input) =>
      new Promise((sent, failed) => {
        const message = Buffer.allocUnsafe(input.length + 1);
        message[0] = stdin;
        input.copy(message, 1);
        socket.send(message, (error?: Error) => (error ? failed(error) : sent()));
      }),
    endInput() {
      if (WebSocketHandler.supportsClose(socket.protocol)) socket.send(Buffer.from([close, stdin]));
    },
    isClosed: () => said !== null || socket.readyState !== socket.OPEN,
    close: () => socket.terminate(),
  };
}

/** The library's connection with our agent, a limit of time, and an end when the signal says so. */
function configFor({ credentials }: Connection, signal: AbortSignal): KubeConfig {
  const config = credentials.config();
  const applyToHTTPSOptions: KubeConfig['applyToHTTPSOptions'] = async (options) => {
    const ours = {
      ...(await credentials.options('stream')),
      signal,
      handshakeTimeout: handshakeMs,
      perMessageDeflate: false,
    };
    Object.assign(options, ours);
  };
  return Object.assign(Object.create(config) as KubeConfig, { applyToHTTPSOptions });
}

/** The answer to a handshake is lost in the library: the same is asked without one, only for what the API server says to it. */
async function refusedHandshake({ call, server }: Connection, opening: Opening, error: unknown): Promise<never> {
  const { path, act, signal, isRunning } = opening;
  const code = responseCode(error);
  if (code === null) throw unreachable(server, messageOf(error), error);
  // The rights to both are asked for, depending on the version.
  for (const method of ['GET', 'POST'] as const) {
    const refused = await call({ method, path, act, signal }).catch((it: unknown) => it);
    if (isRefused(refused) && !/Upgrade request required/.test(refused.message)) throw refused;
  }
  if (!(await isRunning()))
    throw new ClusterRefused('not_found', `Kubernetes refused to ${act}: the container does not run.`);
  throw unreachable(server, `it answered ${code}`, error);
}

function responseCode(error: unknown): number | null {
  const code = /Unexpected server response: (\d+)/.exec(messageOf(error))?.[1];
  return code === undefined ? null : Number(code);
}

/** Of an Error or of a web socket's event. */
function messageOf(error: unknown): string {
  if (typeof error !== 'object' || error === null || !('message' in error)) return String(error);
  return String(error.message).replace(/\.$/, '') || 'no connection';
}

function statusIn(bytes: Buffer): Status {
  try {
    // Of the API server itself.
    return JSON.parse(bytes.toString('utf8')) as Status;
  } catch {
    return { message: bytes.toString('utf8').slice(0, 2_000) };
  }
}

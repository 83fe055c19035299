import { request } from 'node:http';

export interface EngineCall {
  readonly method?: 'GET' | 'POST' | 'DELETE';
  readonly headers?: Readonly<Record<string, string>>;
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
}

export interface EngineAnswer {
  readonly status: number;
  readonly body: string;
}

/** Asks the engine at a host such as `unix:///run/docker.sock` or `tcp://127.0.0.1:2375`. */
export function callEngine(host: string, path: string, call: EngineCall = {}): Promise<EngineAnswer> {
  const timeout = AbortSignal.timeout(call.timeoutMs ?? 30_000);
  const signal = call.signal ? AbortSignal.any([call.signal, timeout]) : timeout;
  return new Promise((resolve, reject) => {
    const sent = request(
      { ...engineAddress(host), path, method: call.method ?? 'GET', headers: call.headers, signal, agent: false },
      (answer) => {
        let body = '';
        answer.setEncoding('utf8');
        answer.on('data', (text: string) => (body += text));
        answer.once('error', reject);
        answer.once('end', () => resolve({ status: answer.statusCode ?? 0, body }));
      },
    );
    sent.once('error', reject);
    sent.end();
  });
}

/** Whether an engine answers there. */
export async function answersPing(host: string, timeoutMs = 3_000): Promise<boolean> {
  const answer = await callEngine(host, '/_ping', { timeoutMs }).catch(() => null);
  return answer?.status === 200;
}

/** How Node reaches an engine's host; the path of a unix socket may also stand alone. */
export function engineAddress(host: string): { socketPath: string } | { host: string; port: number } {
  if (host.startsWith('/')) return { socketPath: host };
  const url = new URL(host);
  if (url.protocol === 'unix:') return { socketPath: decodeURIComponent(url.pathname) };
  return { host: url.hostname, port: Number(url.port || 2375) };
}

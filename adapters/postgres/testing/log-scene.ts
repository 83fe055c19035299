import type { LogLine, Logs, NewLogLine } from '@eve/operations';
import { postgresLogs } from '../src/logs.ts';
import { newId } from './index.ts';
import { type QueueScene, queueScene } from './queue-scene.ts';

const at = new Date('2026-03-01T12:00:00.123Z');

/** A line as a program prints it. */
export function line(text: string, fields: Partial<NewLogLine> = {}): NewLogLine {
  return { at, attempt: 1, service: 'web', step: null, stream: 'stdout', level: 'info', code: null, text, ...fields };
}

/** Numbered lines. */
export function lines(count: number, prefix = 'line'): NewLogLine[] {
  return Array.from({ length: count }, (_, index) => line(`${prefix} ${index + 1}`));
}

/** A log of a tenant on a database of its own. */
export interface LogScene extends AsyncDisposable {
  readonly scene: QueueScene;
  readonly logs: Logs;
  readonly subject: Parameters<Logs['append']>[0];
}

/** Makes the scene. */
export async function logScene({ pollMs }: { pollMs?: number } = {}): Promise<LogScene> {
  const scene = await queueScene();
  const { tenantId } = await scene.tenant();
  const logs = postgresLogs(scene.db.pool, { notifications: scene.notifications, pollMs });
  return {
    scene,
    logs,
    subject: { tenantId, id: newId('brun') },
    [Symbol.asyncDispose]: () => scene[Symbol.asyncDispose](),
  };
}

/** So many lines of what is followed, or a few more. */
export async function take(from: AsyncIterable<readonly LogLine[]>, count: number): Promise<LogLine[]> {
  const taken: LogLine[] = [];
  for await (const batch of from) {
    taken.push(...batch);
    if (taken.length >= count) break;
  }
  return taken;
}

/** The sequences of lines. */
export function sequences(of: readonly LogLine[]): number[] {
  return of.map(({ sequence }) => sequence);
}

/** Numbers from one to another. */
export function range(from: number, to: number): number[] {
  return Array.from({ length: to - from + 1 }, (_, index) => from + index);
}

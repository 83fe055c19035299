import pg from 'pg';
import type { Pool } from './connection.ts';

/** Told what a channel says. Whoever listens must also look by himself from time to time: a notification is a hint. */
export interface Listener {
  notified(payload: string): void;
  /** The connection is there, for the first time or again: something may have been missed. */
  connected(): void;
}

/** NOTIFY and LISTEN of one process, over one connection that is made when somebody first listens. */
export interface Notifications extends AsyncDisposable {
  listen(channel: string, listener: Listener): Disposable;
  /** Sends soon, outside of any transaction; of several with the same channel and key only the last is sent. Lost when the database is away. */
  send(channel: string, key: string, payload: string): void;
}

export interface NotificationsOptions {
  /** A direct connection to the database (`EVE_DATABASE_LISTEN_URL`): LISTEN does not work through every pooler. */
  readonly url: string;
  /** Told when the listening connection breaks. */
  readonly onError?: (error: Error) => void;
}

const shortestPauseMs = 100;
const longestPauseMs = 5_000;

/** Makes the notifications of this process. */
export function createNotifications(pool: Pool, { url, onError }: NotificationsOptions): Notifications {
  const listeners = new Map<string, Set<Listener>>();
  const sending = sender(pool);
  let client: pg.Client | null = null;
  let isReady = false;
  let isDisposed = false;
  let pauseMs = shortestPauseMs;
  let retry: NodeJS.Timeout | undefined;

  function lost(broken: pg.Client, error: Error): void {
    if (client !== broken) return;
    client = null;
    isReady = false;
    broken.end().catch(() => {});
    if (isDisposed) return;
    onError?.(error);
    retry = setTimeout(connect, pauseMs * (0.5 + Math.random() / 2));
    pauseMs = Math.min(pauseMs * 2, longestPauseMs);
  }

  function connect(): void {
    retry = undefined;
    const made = new pg.Client({
      connectionString: url,
      application_name: 'eve-listen',
      keepAlive: true,
      connectionTimeoutMillis: 10_000,
    });
    client = made;
    made.on('error', (error) => lost(made, error));
    made.on('end', () => lost(made, new Error('The listening connection ended.')));
    made.on('notification', ({ channel, payload = '' }) => {
      for (const listener of listeners.get(channel) ?? []) listener.notified(payload);
    });
    prepare(made).catch((error: Error) => lost(made, error));
  }

  async function prepare(made: pg.Client): Promise<void> {
    await made.connect();
    if (client !== made) return;
    isReady = true;
    await Promise.all([...listeners.keys()].map((channel) => made.query(`listen ${pg.escapeIdentifier(channel)}`)));
    pauseMs = shortestPauseMs;
    for (const group of listeners.values()) for (const listener of group) listener.connected();
  }

  async function listenNow(made: pg.Client, channel: string): Promise<void> {
    await made.query(`listen ${pg.escapeIdentifier(channel)}`);
    for (const listener of listeners.get(channel) ?? []) listener.connected();
  }

  return {
    listen(channel, listener) {
      const group = listeners.get(channel) ?? new Set();
      const isNew = group.size === 0;
      group.add(listener);
      listeners.set(channel, group);
      if (!client && !retry && !isDisposed) connect();
      else if (isReady && client && isNew) {
        const made = client;
        listenNow(made, channel).catch((error: Error) => lost(made, error));
      }
      // The channel stays listened to: there are few, and the next listener comes soon.
      return {
        [Symbol.dispose]() {
          group.delete(listener);
        },
      };
    },
    send: sending.send,
    async [Symbol.asyncDispose]() {
      isDisposed = true;
      clearTimeout(retry);
      const open = client;
      client = null;
      await sending.idle();
      await open?.end().catch(() => {});
    },
  };
}

// A NOTIFY serialises the commits of all transactions that carry one, so ours carry nothing else.
function sender(pool: Pool): { send: Notifications['send']; idle(): Promise<void> } {
  let waiting = new Map<string, { channel: string; payload: string }>();
  let running: Promise<void> | null = null;

  async function sendAll(): Promise<void> {
    while (waiting.size > 0) {
      const batch = [...waiting.values()];
      waiting = new Map();
      await pool
        .query('select pg_notify(channel, payload) from unnest($1::text[], $2::text[]) as batch (channel, payload)', [
          batch.map(({ channel }) => channel),
          batch.map(({ payload }) => payload),
        ])
        .catch(() => {}); // A hint: whoever needed it looks by himself.
    }
    running = null;
  }

  return {
    send(channel, key, payload) {
      waiting.set(`${channel} ${key}`, { channel, payload });
      running ??= sendAll();
    },
    idle: async () => {
      await running;
    },
  };
}

// The entry of a worker thread: it keeps leases alive whatever the main thread is busy with.
import { setTimeout as delay } from 'node:timers/promises';
import { parentPort, workerData } from 'node:worker_threads';
import pg from 'pg';
import {
  endOf,
  type FromHeartbeat,
  type HeartbeatData,
  type HeldLease,
  leaseKey,
  monotonicMs,
  setEnd,
  type ToHeartbeat,
} from './heartbeat-messages.ts';
import { isDownForEverybody } from './outage.ts';
import { wake } from './wake.ts';

// One statement for all leases. Rows that a transaction of ours has locked are left out, not waited for:
// one that takes long must not cost the other leases.
const beatSql = `
  with sent as (
    select * from unnest($1::text[], $2::bigint[]) as sent (id, fence)
  ), found as (
    select work.id from work join sent on sent.id = work.id and sent.fence = work.fence
    where work.state = 'running'
    for no key update of work skip locked
  ), kept as (
    update work set leased_until = now() + $3::float8 * interval '1 millisecond'
    from found where work.id = found.id
    returning work.id, work.cancel_requested
  )
  select sent.id, sent.fence::float8 as fence, kept.id is not null as kept,
         coalesce(kept.cancel_requested, false) as cancelled,
         exists (select from work where work.id = sent.id and work.fence = sent.fence and work.state = 'running') as there
  from sent left join kept on kept.id = sent.id`;

interface Answer {
  id: string;
  fence: number;
  kept: boolean;
  cancelled: boolean;
  there: boolean;
}

const { url, leaseMs, ends }: HeartbeatData = workerData;
const port = parentPort;
if (!port) throw new Error('The heartbeat runs in a thread of its own.');

const held = new Map<string, HeldLease>();
const told = new Set<string>();
const stopping = new AbortController();
const soon = wake();
const longestRetryMs = 500;
let client: pg.Client | null = null;

port.on('message', (message: ToHeartbeat) => {
  if (message.type === 'hold') {
    held.set(leaseKey(message.lease), message.lease);
    soon.call();
  } else if (message.type === 'release') {
    held.delete(leaseKey(message));
    told.delete(leaseKey(message));
  } else stopping.abort();
});

const watch = setInterval(loseExpired, Math.min(250, leaseMs / 20));
await beatUntilStopped();
clearInterval(watch);
await disconnect();
port.close();

async function beatUntilStopped(): Promise<void> {
  while (!stopping.signal.aborted) {
    const pauseMs = await beat().catch(async () => {
      await disconnect();
      return Math.min(leaseMs / 10, longestRetryMs);
    });
    // A new lease is told of a cancel soon: it may have been asked for before anybody listened.
    await soon.wait(pauseMs, stopping.signal);
    await delay(Math.min(50, leaseMs / 20));
  }
}

async function beat(): Promise<number> {
  if (held.size === 0) return leaseMs / 3;
  const sent = [...held.values()];
  const open = await connect();
  const atMs = monotonicMs();
  const { rows } = await open.query<Answer>({
    name: 'eve_heartbeat',
    text: beatSql,
    values: [sent.map(({ workId }) => workId), sent.map(({ fence }) => fence), leaseMs],
  });
  for (const row of rows) take(row, atMs + leaseMs);
  return rows.some(({ kept, there }) => there && !kept) ? leaseMs / 30 : leaseMs / 3;
}

// Only leases that were sent are in the answer: one that came meanwhile is not lost by being absent.
function take({ id, fence, kept, cancelled, there }: Answer, untilMs: number): void {
  const lease = held.get(leaseKey({ workId: id, fence }));
  if (!lease) return;
  if (kept) setEnd(ends, lease.slot, untilMs);
  else if (!there) lose(lease);
  if (cancelled && !told.has(leaseKey(lease))) {
    told.add(leaseKey(lease));
    tell({ type: 'cancelled', workId: id, fence });
  }
}

function loseExpired(): void {
  const now = monotonicMs();
  for (const lease of held.values()) if (endOf(ends, lease.slot) <= now) lose(lease);
}

function lose(lease: HeldLease): void {
  held.delete(leaseKey(lease));
  told.delete(leaseKey(lease));
  tell({ type: 'lost', workId: lease.workId, fence: lease.fence });
}

function tell(message: FromHeartbeat): void {
  port?.postMessage(message);
}

async function connect(): Promise<pg.Client> {
  if (client) return client;
  const made = new pg.Client({
    connectionString: url,
    application_name: 'eve-heartbeat',
    keepAlive: true,
    connectionTimeoutMillis: leaseMs / 3,
    query_timeout: leaseMs / 3,
  });
  made.on('error', () => {
    if (client === made) client = null;
  });
  const atMs = monotonicMs();
  await made.connect().catch((error: unknown) => {
    if (isDownForEverybody(error)) keepAll(atMs + leaseMs);
    throw error;
  });
  client = made;
  return made;
}

// Nobody could take a lease when we were refused, and sweeps free nothing within one lease period after the database
// started: a refusal is worth as much as a renewal. Leases that have run out before are gone.
function keepAll(untilMs: number): void {
  loseExpired();
  for (const { slot } of held.values()) setEnd(ends, slot, Math.max(endOf(ends, slot), untilMs));
}

async function disconnect(): Promise<void> {
  const open = client;
  client = null;
  // A connection that hangs does not answer to an end either.
  await Promise.race([open?.end().catch(() => {}), delay(200)]);
}

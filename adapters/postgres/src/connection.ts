import { setTimeout as delay } from 'node:timers/promises';
import { PlatformError } from '@eve/domain';
import pg from 'pg';
import { errorCode } from './error-code.ts';
import { statement, statementName } from './sql.ts';

export { errorCode } from './error-code.ts';

export type Pool = pg.Pool;

// A connection that hangs says nothing: after this time it counts as lost.
const longestStatementMs = 60_000;

/** Statements, either each on its own from a pool or all in one transaction. */
export interface Database {
  /** Runs a statement written as a template; values become parameters, pieces made by `part` are put in. Prepared once per connection. */
  sql<Row extends object = Record<string, unknown>>(
    parts: TemplateStringsArray,
    ...values: readonly unknown[]
  ): Promise<Row[]>;
  /** Runs a statement given as text with `$1` …; also prepared. */
  query<Row extends object = Record<string, unknown>>(text: string, values?: readonly unknown[]): Promise<Row[]>;
  /** All or nothing; joins the transaction when there is one already. May be run again after a deadlock. */
  transaction<Result>(act: (database: Database) => Promise<Result>): Promise<Result>;
}

export interface PoolOptions {
  readonly url: string;
  /** Connections at most; 10 unless said. */
  readonly max?: number;
  readonly applicationName?: string;
  /** Told about idle connections that broke. */
  readonly onError?: (error: Error) => void;
}

/** A pool whose big integers are numbers and whose times are dates. Connections are made when needed. */
export function createPool({ url, max = 10, applicationName = 'eve', onError }: PoolOptions): Pool {
  const pool = new pg.Pool({
    connectionString: url,
    max,
    application_name: applicationName,
    connectionTimeoutMillis: 10_000,
    idleTimeoutMillis: 30_000,
    keepAlive: true,
    types: { getTypeParser },
  });
  pool.on('error', (error) => onError?.(error));
  return pool;
}

/** The same parsers for clients that are not of a pool. */
export const getTypeParser: typeof pg.types.getTypeParser = ((oid: number, format?: 'text' | 'binary') =>
  oid === pg.types.builtins.INT8 && format !== 'binary'
    ? parseInteger
    : pg.types.getTypeParser(oid, format)) as typeof pg.types.getTypeParser; // pg's overloads cannot be written as one function

function parseInteger(text: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value)) throw new RangeError(`${text} is too large to be a number.`);
  return value;
}

/** Statements on a pool. */
export function database(pool: Pool): Database {
  return {
    sql: (parts, ...values) => {
      const { text, values: flat } = statement(parts, values);
      return run(pool, text, flat);
    },
    query: (text, values = []) => run(pool, text, values),
    transaction: (act) => transaction(pool, act),
  };
}

/** Statements on one connection that is inside a transaction. */
function transactionDatabase(client: pg.PoolClient): Database {
  const inside: Database = {
    sql: (parts, ...values) => {
      const { text, values: flat } = statement(parts, values);
      return run(client, text, flat);
    },
    query: (text, values = []) => run(client, text, values),
    transaction: (act) => act(inside),
  };
  return inside;
}

async function run<Row extends object>(
  on: pg.Pool | pg.PoolClient,
  text: string,
  values: readonly unknown[],
): Promise<Row[]> {
  try {
    const query = { name: statementName(text), text, values: [...values], query_timeout: longestStatementMs };
    const { rows } = await on.query<Row>(query);
    return rows;
  } catch (error) {
    throw translateError(error);
  }
}

const attempts = 6;

async function transaction<Result>(pool: Pool, act: (database: Database) => Promise<Result>): Promise<Result> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await transactionOnce(pool, act);
    } catch (error) {
      if (attempt === attempts || !isRepeatable(error)) throw error;
      await delay(Math.random() * 10 * 2 ** attempt);
    }
  }
}

async function transactionOnce<Result>(pool: Pool, act: (database: Database) => Promise<Result>): Promise<Result> {
  const client = await pool.connect().catch((error: unknown) => {
    throw translateError(error);
  });
  let broken: Error | undefined;
  const onError = (error: Error) => {
    broken = error;
  };
  client.on('error', onError);
  try {
    await client.query('begin').catch(rethrow);
    const result = await act(transactionDatabase(client));
    // A transaction that failed inside answers a commit with ROLLBACK: the caller must not take it for done.
    const { command } = await client.query('commit').catch(rethrow);
    if (command !== 'COMMIT') throw new Error('The transaction was rolled back because a statement in it had failed.');
    return result;
  } catch (error) {
    // A connection that hangs would not answer to this either.
    if (isUnavailable(error)) broken ??= error;
    else {
      await client.query('rollback').catch((failure: Error) => {
        broken = failure;
      });
    }
    throw error;
  } finally {
    client.off('error', onError);
    client.release(broken);
  }
}

function rethrow(error: unknown): never {
  throw translateError(error);
}

const repeatable = new Set(['40001', '40P01']);
// Stops, recovers or starts, has no connection left, ended ours, or is a standby that is not yet promoted.
const unavailable = new Set(['57P01', '57P02', '57P03', '57P05', '25P03', '25006', '53300']);
const unreachable = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'ECONNABORTED',
  'EPIPE',
  'ENOENT',
  'ETIMEDOUT',
  'ENOTFOUND',
  'EHOSTUNREACH',
  'EHOSTDOWN',
  'ENETUNREACH',
  'ENETDOWN',
  'EAI_AGAIN',
]);
const lostConnection =
  /^(Connection terminated|timeout exceeded when trying to connect|timeout expired|Query read timeout|Client has encountered a connection error|Client was closed and is not queryable)/;

function isUnavailable(error: unknown): error is PlatformError {
  return error instanceof PlatformError && error.code === 'database_unavailable';
}

function isRepeatable(error: unknown): boolean {
  return repeatable.has(errorCode(error) ?? '');
}

/** The name of the constraint that a write violated. */
export function violatedConstraint(error: unknown): string | null {
  return error instanceof Error && 'constraint' in error && typeof error.constraint === 'string'
    ? error.constraint
    : null;
}

/** Lost and refused connections become `database_unavailable`, a full disk `disk_full`; all else stays as it is. */
export function translateError(error: unknown): unknown {
  if (!(error instanceof Error)) return error;
  const code = errorCode(error);
  if (code === '53100') return new PlatformError('disk_full', "The database's disk is full.", { cause: error });
  const lost =
    code !== null
      ? unavailable.has(code) || unreachable.has(code) || code.startsWith('08')
      : lostConnection.test(error.message);
  return lost ? new PlatformError('database_unavailable', 'The database does not answer.', { cause: error }) : error;
}

import { createHash } from 'node:crypto';

/** A piece of a statement with its values, put into another by interpolation. */
export interface SqlPart {
  readonly parts: readonly string[];
  readonly values: readonly unknown[];
  readonly [isPart]: true;
}

/** A statement as the driver takes it. */
export interface Statement {
  readonly text: string;
  readonly values: readonly unknown[];
}

const isPart: unique symbol = Symbol('sql part');

/** A piece of SQL: `part\`and status = ${status}\``. */
export function part(parts: TemplateStringsArray, ...values: readonly unknown[]): SqlPart {
  return { parts, values, [isPart]: true };
}

/** The empty piece, for filters that are not asked for. */
export const nothing: SqlPart = part``;

/** Names that stand in the code, never from outside: a list of columns. */
export function raw(text: string): SqlPart {
  return { parts: [text], values: [], [isPart]: true };
}

/** A value for a jsonb column: null stays SQL's null. */
export function json(value: unknown): string | null {
  return value === null || value === undefined ? null : JSON.stringify(value);
}

/** Numbers the values and joins the pieces. */
export function statement(parts: readonly string[], values: readonly unknown[]): Statement {
  const flat: unknown[] = [];
  const text = render(parts, values, flat);
  return { text, values: flat };
}

function render(parts: readonly string[], values: readonly unknown[], flat: unknown[]): string {
  let text = parts[0] ?? '';
  values.forEach((value, index) => {
    if (isSqlPart(value)) text += render(value.parts, value.values, flat);
    else {
      flat.push(value);
      text += `$${flat.length}`;
    }
    text += parts[index + 1] ?? '';
  });
  return text;
}

function isSqlPart(value: unknown): value is SqlPart {
  return typeof value === 'object' && value !== null && isPart in value;
}

const names = new Map<string, string>();

/** The name under which a connection keeps a prepared statement: made from its text. */
export function statementName(text: string): string {
  const known = names.get(text);
  if (known) return known;
  const name = `eve_${createHash('sha256').update(text).digest('hex').slice(0, 20)}`;
  if (names.size < 2000) names.set(text, name);
  return name;
}

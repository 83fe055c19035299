import type { ErrorDetail } from '@eve/domain';
import { type Document, isAlias, isMap, isScalar, isSeq, type LineCounter, type Node } from 'yaml';
import { nearestOf } from './nearest.ts';

/** One reading of a document: what is found wrong on the way, and how much of it may still be visited. */
export interface Reading {
  readonly document: Document;
  readonly lines: LineCounter;
  readonly errors: ErrorDetail[];
  readonly warnings: ErrorDetail[];
  /** Wrong as a whole, though each part is well formed: refused by validation, only said by a sync. */
  readonly incoherences: ErrorDetail[];
  visitsLeft: number;
  aliasesLeft: number;
  mergeDepth: number;
}

/** A value of the document together with its place. */
export interface Field {
  readonly reading: Reading;
  readonly path: string;
  readonly offset: number;
  readonly node: Node | null;
}

export type Fields = ReadonlyMap<string, Field>;

/** What a fixed list of keys says: those that are read, and those that are known but have no effect. */
export interface KnownKeys {
  readonly read: readonly string[];
  readonly ignored: ReadonlyMap<string, string>;
}

/** Writes an error at the field's line and column. */
export function fail(field: Field, message: string): null {
  field.reading.errors.push(detailOf(field, message));
  return null;
}

/** Writes a warning at the field's line and column. */
export function warn(field: Field, message: string): void {
  field.reading.warnings.push(detailOf(field, message));
}

/** Writes what does not fit together, at the field's line and column. */
export function disagree(field: Field, message: string): void {
  field.reading.incoherences.push(detailOf(field, message));
}

/** A finding at a field's place. */
export function detailOf({ reading, path, offset }: Field, message: string): ErrorDetail {
  const { line, col } = reading.lines.linePos(offset);
  const short = message.replace(/`([^`]{100})[^`]+`/g, '`$1…`');
  return { path, message: short, line: Math.max(line, 1), column: Math.max(col, 1) };
}

/** The field below another one; the offset is the key's, so that a finding points at the line that names it. */
export function fieldBelow(parent: Field, key: string | number, node: Node | null, offset: number): Field {
  const { reading, path } = parent;
  reading.visitsLeft -= 1;
  const below = typeof key === 'number' ? `${path}[${key}]` : path === '' ? key : `${path}.${key}`;
  const field = { reading, path: below, offset, node: resolved(reading, node) };
  if (isAlias(node) && field.node === null && reading.aliasesLeft >= 0) {
    fail({ ...field, offset: offsetOf(node, offset) }, `Nothing above is named \`&${node.source}\`; define it first.`);
  }
  return field;
}

/** A mapping with free keys, such as the services; merge keys (`<<`) are followed. Null after writing an error. */
export function entriesOf(field: Field, what = 'a mapping of names to values'): Fields | null {
  if (!isMap(field.node)) return fail(field, `Write \`${field.path || 'the manifest'}\` as ${what}.`);
  const own = new Map<string, Field>();
  const merged = new Map<string, Field>();
  for (const { key, value } of field.node.items) {
    if (field.reading.visitsLeft <= 0) return null;
    const offset = offsetOf(key as Node | null, field.offset);
    const name = isScalar(key) ? textOfScalar(key) : null;
    if (name === null) {
      fail({ ...field, offset }, 'Write the key as plain text.');
      continue;
    }
    const below = fieldBelow(field, name, value as Node | null, offset);
    if (name !== '<<') own.set(name, below);
    else for (const [from, other] of mergedEntries(field, below)) if (!merged.has(from)) merged.set(from, other);
  }
  return new Map([...[...merged].filter(([name]) => !own.has(name)), ...own]);
}

/** A mapping with known keys. Empty values count as absent; unknown keys are warnings with the nearest known one. */
export function recordOf(field: Field, known: KnownKeys, what = 'a mapping'): Fields {
  const entries = entriesOf(field, what) ?? new Map<string, Field>();
  const fields = new Map<string, Field>();
  for (const [name, value] of entries) {
    const reason = known.ignored.get(name);
    if (reason !== undefined) warn(value, `\`${name}\` has no effect: ${reason}`);
    else if (known.read.includes(name)) {
      if (!isEmpty(value)) fields.set(name, value);
    } else if (!/^x[-_]/.test(name)) warn(value, unknownKey(name, field.path, known));
  }
  return fields;
}

function unknownKey(name: string, path: string, known: KnownKeys): string {
  const nearest = nearestOf(name, [...known.read, ...known.ignored.keys()]);
  const where = path === '' ? 'at the top of the manifest' : `under \`${path}\``;
  return `There is no field \`${name}\` ${where}${nearest ? `; did you mean \`${nearest}\`?` : '; remove it or check its name.'}`;
}

/** The items of a list; null after writing an error. */
export function itemsOf(field: Field, what = 'a list'): Field[] | null {
  if (!isSeq(field.node)) return fail(field, `Write \`${field.path}\` as ${what}.`);
  if (field.reading.visitsLeft <= 0) return null;
  return field.node.items.map((item, index) =>
    fieldBelow(field, index, item as Node | null, offsetOf(item as Node | null, field.offset)),
  );
}

/** Text as written: numbers and booleans count as the characters that stand in the file. Null after writing an error. */
export function textOf(field: Field, what = 'text'): string | null {
  const text = isScalar(field.node) && field.node.value !== null ? textOfScalar(field.node) : null;
  if (text === null) return fail(field, `Write \`${field.path}\` as ${what}.`);
  return text.includes('\0') ? fail(field, `\`${field.path}\` holds a NUL character; remove it.`) : text;
}

/** A whole number within bounds; null after writing an error. */
export function integerOf(field: Field, min: number, max: number): number | null {
  const value = isScalar(field.node) ? Number(textOfScalar(field.node)?.trim() || Number.NaN) : Number.NaN;
  if (Number.isInteger(value) && value >= min && value <= max) return value;
  return fail(field, `Write \`${field.path}\` as a whole number from ${min} to ${max}.`);
}

/** `true` or `false`, also in quotes; null after writing an error. */
export function booleanOf(field: Field): boolean | null {
  const text = isScalar(field.node) ? textOfScalar(field.node)?.toLowerCase() : undefined;
  if (text === 'true' || text === 'false') return text === 'true';
  return fail(field, `Write \`${field.path}\` as true or false.`);
}

/** One of some words; null after writing an error that lists them. */
export function wordOf<Word extends string>(field: Field, words: readonly Word[]): Word | null {
  const text = isScalar(field.node) ? textOfScalar(field.node) : null;
  const found = words.find((word) => word === text);
  return found ?? fail(field, `Write \`${field.path}\` as one of: ${words.join(', ')}.`);
}

/** A list of texts; items that are none are errors and left out. */
export function textsOf(field: Field): string[] {
  return (itemsOf(field, 'a list of texts') ?? []).map((item) => textOf(item)).filter((text) => text !== null);
}

/** The value as plain data, for inputs whose shape is another's to judge. */
export function plainOf(field: Field, depth = 0): unknown {
  if (depth > 20 || field.reading.visitsLeft <= 0) return fail(field, `\`${field.path}\` is nested too deeply.`);
  if (isMap(field.node)) {
    return Object.fromEntries([...(entriesOf(field) ?? [])].map(([name, below]) => [name, plainOf(below, depth + 1)]));
  }
  if (isSeq(field.node)) return (itemsOf(field) ?? []).map((item) => plainOf(item, depth + 1));
  const value = isScalar(field.node) ? field.node.value : null;
  return typeof value === 'bigint' ? value.toString() : value;
}

export function isEmpty({ node }: Field): boolean {
  return node === null || (isScalar(node) && node.value === null);
}

export function isMapping({ node }: Field): boolean {
  return isMap(node);
}

export function isList({ node }: Field): boolean {
  return isSeq(node);
}

/** What `<<` brings in: one mapping, or a list of them of which the first wins. */
function mergedEntries(parent: Field, below: Field): [string, Field][] {
  const { reading } = parent;
  if (reading.mergeDepth >= 10) return [];
  reading.mergeDepth += 1;
  const sources = isSeq(below.node) ? (itemsOf(below) ?? []) : [below];
  const entries = sources.flatMap((source) => [
    ...(entriesOf({ ...source, path: parent.path }, 'a mapping where `<<` merges it') ?? []),
  ]);
  reading.mergeDepth -= 1;
  return entries;
}

function resolved(reading: Reading, node: Node | null): Node | null {
  if (!isAlias(node)) return node;
  reading.aliasesLeft -= 1;
  return reading.aliasesLeft < 0 ? null : (node.resolve(reading.document) ?? null);
}

function offsetOf(node: Node | null, otherwise: number): number {
  return node?.range?.[0] ?? otherwise;
}

function textOfScalar(scalar: { value: unknown; source?: string }): string | null {
  const { value, source } = scalar;
  if (typeof value === 'string') return value;
  if (typeof value === 'number' || typeof value === 'boolean' || typeof value === 'bigint') return source ?? `${value}`;
  return null;
}

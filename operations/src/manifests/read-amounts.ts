import { type Field, fail, textOf } from './field.ts';
import { parseByteSize, parseCpus, parseDuration } from './units.ts';

/** A duration in milliseconds, or what stands in for none. */
export function readDuration<Otherwise extends number | null>(
  field: Field | undefined,
  otherwise: Otherwise,
): number | Otherwise {
  const text = field ? textOf(field, 'a duration such as 10s or 1m30s') : null;
  if (!field || text === null) return otherwise;
  const milliseconds = parseDuration(text);
  if (milliseconds !== null && milliseconds <= 7 * 24 * 3_600_000) return milliseconds;
  fail(field, `\`${text}\` is no duration; write one such as 10s, 1m30s or 500ms, of at most a week.`);
  return otherwise;
}

/** A size in bytes; null when there is none. */
export function readByteSize(field: Field | undefined): number | null {
  const text = field ? textOf(field, 'a size such as 512M') : null;
  if (!field || text === null) return null;
  return parseByteSize(text) ?? fail(field, `\`${text}\` is no size; write one such as 512M or 1g.`);
}

/** A number of processors; null when there is none. */
export function readCpus(field: Field | undefined): number | null {
  const text = field ? textOf(field, 'a number such as 0.5') : null;
  if (!field || text === null) return null;
  return parseCpus(text) ?? fail(field, `\`${text}\` is no number of processors; write one such as 0.5 or 2.`);
}

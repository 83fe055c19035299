import { UsageError } from '../../failure.ts';

/** The number of a version of a configuration, as typed: `4` or `#4`. */
export function versionNumber(text: string): number {
  const digits = /^#?(0|[1-9][0-9]{0,8})$/.exec(text)?.[1];
  if (digits === undefined) throw new UsageError(`"${text}" is no version; it is a number, see eve config history.`);
  return Number(digits);
}

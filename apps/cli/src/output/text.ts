/** What a terminal would obey is not printed: a log line is text, whatever a build writes. */
export { terminalText as printable } from '@eve/domain';

/** Columns under their heads, as wide as their widest cell. */
export function table(heads: readonly string[], rows: readonly (readonly string[])[]): string[] {
  const widths = heads.map((head, column) => Math.max(head.length, ...rows.map((row) => (row[column] ?? '').length)));
  const line = (cells: readonly string[]) =>
    cells
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd();
  return [line(heads), ...rows.map(line)];
}

/** Names and values, one pair per line, indented. A value that is null is left out. */
export function fields(values: Readonly<Record<string, string | null | undefined>>, indent = '  '): string[] {
  const shown = Object.entries(values).filter(([, value]) => value !== null && value !== undefined && value !== '');
  const width = Math.max(0, ...shown.map(([name]) => name.length)) + 1;
  return shown.map(([name, value]) => `${indent}${`${name}:`.padEnd(width)} ${value}`);
}

/** `3 builds`, `1 build`. */
export function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}

/** A length of time as people say it: 850 ms, 12.3 s, 2 min 5 s, 1 h 3 min. */
export function duration(ms: number): string {
  if (ms < 1000) return `${Math.max(0, Math.round(ms))} ms`;
  if (ms < 59_950) return `${(ms / 1000).toFixed(1)} s`;
  const seconds = Math.round(ms / 1000);
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
  const minutes = Math.round(seconds / 60);
  if (minutes < 48 * 60) return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
  return `${Math.round(minutes / 60 / 24)} days`;
}

/** How long something took, or takes so far; null before it began. */
export function tookOf(
  { started_at, completed_at }: { started_at: string | null; completed_at: string | null },
  now = Date.now(),
): string | null {
  if (started_at === null) return null;
  return duration((completed_at === null ? now : Date.parse(completed_at)) - Date.parse(started_at));
}

/** A time on this machine's clock: 2026-03-01 14:05:09. */
export function when(iso: string): string {
  const at = new Date(iso);
  const day = [at.getFullYear(), at.getMonth() + 1, at.getDate()].map(twoDigits).join('-');
  return `${day} ${clock(iso)}`;
}

/** 14:05:09 on this machine's clock. */
export function clock(iso: string): string {
  const at = new Date(iso);
  return [at.getHours(), at.getMinutes(), at.getSeconds()].map(twoDigits).join(':');
}

function twoDigits(value: number): string {
  return String(value).padStart(2, '0');
}

/** A commit's first 8 digits. */
export function shortSha(sha: string | null): string {
  return sha === null ? '-' : sha.slice(0, 8);
}

/** A manifest hash's first 12 digits. */
export function shortHash(hash: string | null): string {
  return hash === null ? '-' : `${hash.slice(0, 12)}...`;
}

/** Of memory, in the units in which its limits are written. */
export function memory(bytes: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
  let value = bytes;
  let unit = 0;
  for (; value >= 1023.5 && unit < units.length - 1; unit++) value /= 1024;
  return `${unit === 0 || value >= 100 ? Math.round(value) : value.toFixed(1)} ${units[unit]}`;
}

export function size(bytes: number | null): string {
  if (bytes === null) return '-';
  const units = ['B', 'kB', 'MB', 'GB', 'TB'];
  let value = bytes;
  let unit = 0;
  for (; value >= 999.5 && unit < units.length - 1; unit++) value /= 1000;
  return `${unit === 0 || value >= 100 ? Math.round(value) : value.toFixed(1)} ${units[unit]}`;
}

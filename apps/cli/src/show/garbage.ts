import type { Garbage, GarbageReport, RetentionPolicy } from '@eve/protocol-rest/contract';
import { counted, duration, printable, size, table } from '../output/text.ts';

const nouns: Readonly<Record<Garbage['kind'], string>> = {
  release: 'release',
  build: 'build',
  registry_image: 'image in the registry',
  engine_image: 'image on the engine',
  container: 'container',
  network: 'network',
  volume: 'volume',
  namespace: 'namespace',
  blob: 'stored file',
  instance_log: 'log of an instance',
};

/** What goes and by which rule, one thing per line, and what that comes to. */
export function garbageLines(report: GarbageReport): string[] {
  const { items, told, notes, dry_run: dryRun, freed_bytes: freedBytes } = report;
  return [
    ...(items.length > 0 ? thingLines(items) : []),
    ...(told.length > 0 ? ['', 'Only a person removes these:', ...thingLines(told)] : []),
    ...(items.length + told.length > 0 ? [''] : []),
    ...notes.map((note) => `Note: ${printable(note)}`),
    items.length === 0
      ? 'Nothing goes: everything is needed, or not old enough.'
      : `${dryRun ? 'Would go' : 'Gone'}: ${summary(items)}`,
    ...(freedBytes === null ? [] : [`Freed in the registry: ${size(freedBytes)}`]),
    ...(dryRun && items.length > 0 ? ['Nothing was removed: leave out --dry-run for that.'] : []),
  ];
}

/** What is kept, in one line each. */
export function policyLines(policy: RetentionPolicy): string[] {
  const long = (seconds: number) => duration(seconds * 1000);
  return [
    'Kept besides what serves:',
    `  of each environment   ${counted(policy.revisions, 'revision')} to roll back to, the newest that were healthy`,
    `  of each project       ${counted(policy.releases, 'other release')} and ${counted(policy.builds, 'build')}, the newest`,
    `  images nobody names   for ${long(policy.images_seconds)}`,
    `  logs of instances     for ${long(policy.logs_seconds)} after they were removed`,
    policy.every_seconds === 0
      ? 'Nothing is collected by itself.'
      : `Collected by itself every ${long(policy.every_seconds)}.`,
  ];
}

function thingLines(things: readonly Garbage[]): string[] {
  return table(
    ['What', 'Size', 'Rule', 'Name'],
    things.map(({ kind, id, size_bytes: bytes, rule }) => [nouns[kind], size(bytes), printable(rule), printable(id)]),
  );
}

function summary(items: readonly Garbage[]): string {
  const kinds = [...Map.groupBy(items, ({ kind }) => kind)];
  return kinds
    .map(([kind, all]) => {
      const bytes = all.reduce((sum, { size_bytes: each }) => sum + (each ?? 0), 0);
      return `${all.length} ${all.length === 1 ? nouns[kind] : plural(nouns[kind])}${bytes > 0 ? ` (${size(bytes)})` : ''}`;
    })
    .join(', ');
}

/** `image in the registry` → `images in the registry`. */
function plural(noun: string): string {
  return noun.replace(/^(stored file|\S+)/, '$1s');
}

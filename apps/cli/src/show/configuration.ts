import type { ConfigChange, ConfigDiff, ConfigValue, ConfigVersion } from '@eve/protocol-rest/contract';
import type { Style } from '../context.ts';
import { table, when } from '../output/text.ts';

/** Values by service, of one service or all; a secret by its name only. */
export function valueLines({ values }: ConfigVersion, only?: string): string[] {
  const rows = Object.entries(values)
    .filter(([service]) => only === undefined || service === only || service === '*')
    .flatMap(([service, variables]) =>
      Object.entries(variables)
        .toSorted(([a], [b]) => (a < b ? -1 : 1))
        .map(([name, value]) => [serviceText(service), name, valueText(value)]),
    );
  return rows.length === 0 ? ['No values.'] : table(['Service', 'Name', 'Value'], rows);
}

/** `#5  2026-03-01 14:05:09  token:ci  quieter logs`. */
export function versionLine({ number, created_at: at, created_by: by, message }: ConfigVersion): string {
  return `#${number}  ${when(at)}  ${by ?? '-'}${message ? `  ${message}` : ''}`;
}

/** What two configurations set differently, a line for each value: + added, - removed, ~ changed. */
export function changeLines(changes: readonly ConfigChange[], style: Style): string[] {
  return changes.map(({ service, name, before, after }) => {
    const where = service === '*' ? name : `${service}: ${name}`;
    if (before === null) return style.green(`+ ${where} = ${after ? valueText(after) : ''}`);
    if (after === null) return style.red(`- ${where} = ${valueText(before)}`);
    return style.yellow(`~ ${where} = ${valueText(before)} → ${valueText(after)}`);
  });
}

/** The sides of a comparison and what they set differently. */
export function diffLines({ from, to, changes }: ConfigDiff, style: Style): string[] {
  const sides = [`From ${sideText(from)}`, `To   ${sideText(to)}`];
  return [...sides, ...(changes.length === 0 ? ['No differences.'] : changeLines(changes, style))];
}

function sideText({ environment, version, created_at: at, created_by: by, message }: ConfigDiff['from']): string {
  if (version === null) return `${environment}: nothing set`;
  const made = at === null ? '' : `, ${when(at)} by ${by ?? '-'}`;
  return `${environment} #${version}${made}${message ? `: ${message}` : ''}`;
}

function serviceText(service: string): string {
  return service === '*' ? '(all)' : service;
}

function valueText(value: ConfigValue): string {
  if ('secret' in value) return `secret ${value.secret}`;
  return /^$|^\s|\s$|\n/.test(value.plain) ? JSON.stringify(value.plain) : value.plain;
}

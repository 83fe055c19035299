import { type ConfigValue, type ConfigVersion, isSecretName, PlatformError } from '@eve/domain';

const maxValueBytes = 64 * 1024;
/** What a program is started with has to fit into an eighth of its stack. */
const maxServiceBytes = 512 * 1024;
const maxNames = 1_000;
const variableName = /^[A-Za-z_][A-Za-z0-9_]{0,127}$/;

/** Names that Eve gives every service; a value for one of them wins, and is rarely meant. */
const givenByEve = ['EVE_API_URL', 'EVE_PROJECT_ID', 'EVE_ORG_ID', 'EVE_ENV_NAME'];

interface Asked {
  readonly service: string;
  readonly set: Readonly<Record<string, ConfigValue>>;
  readonly unset: readonly string[];
}

/** Refuses what no environment could carry, naming everything that is wrong; a value itself is never said. Throws `request_invalid`. */
export function checkChange({ service, set, unset }: Asked): void {
  const wrong: { path: string; message: string }[] = [];
  const say = (path: string, message: string) => wrong.push({ path, message });
  if (service !== '*' && !/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/.test(service))
    say('service', `${shown(service)} is no name of a service; * is every service.`);
  for (const [name, value] of Object.entries(set)) {
    const problem = problemOf(name, value);
    if (problem) say(`set.${shown(name)}`, `${shown(name)}: ${problem}`);
    if (unset.includes(name)) say(`unset.${shown(name)}`, `${shown(name)} is both set and unset.`);
  }
  for (const name of unset)
    if (!variableName.test(name)) say(`unset.${shown(name)}`, `${shown(name)} is no name of a variable.`);
  refuse(wrong);
}

/** Refuses a configuration that is too large as a whole. Throws `request_invalid`. */
export function checkSize(values: ConfigVersion['values']): void {
  const wrong = Object.entries(values).flatMap(([service, variables]) => {
    const all = { ...values['*'], ...variables };
    const bytes = Object.entries(all).reduce((sum, [name, value]) => sum + name.length + bytesOf(value) + 2, 0);
    const names = Object.keys(all).length;
    const of = service === '*' ? 'every service' : service;
    if (names > maxNames) return [{ path: 'set', message: `${names} names for ${of} are more than ${maxNames}.` }];
    if (bytes <= maxServiceBytes) return [];
    return [{ path: 'set', message: `The values for ${of} take ${bytes} bytes; ${maxServiceBytes} fit.` }];
  });
  refuse(wrong);
}

/** What of a change is allowed and yet may be a mistake. */
export function doubtsAbout({ service, set }: Asked, services: readonly string[] | null): readonly string[] {
  const doubts = Object.keys(set)
    .filter((name) => givenByEve.includes(name))
    .map((name) => `${name} is what Eve tells every service; this value takes its place.`);
  if (service === '*' || services === null || services.includes(service)) return doubts;
  return [...doubts, `The manifest has no service ${service}; it has ${services.join(', ')}.`];
}

function problemOf(name: string, value: ConfigValue): string | null {
  if (!variableName.test(name))
    return 'is no name of a variable: letters, digits and underscores, no digit first, at most 128.';
  if ('secret' in value) return isSecretName(value.secret) ? null : `${shown(value.secret)} is no name of a secret.`;
  if (value.plain.includes('\0')) return 'holds a NUL character, which no environment can carry.';
  if (!value.plain.isWellFormed()) return 'holds half a character.';
  if (bytesOf(value) > maxValueBytes) return `takes ${bytesOf(value)} bytes; at most ${maxValueBytes} (64 KiB) fit.`;
  return null;
}

function bytesOf(value: ConfigValue): number {
  return 'plain' in value ? Buffer.byteLength(value.plain) : value.secret.length;
}

function refuse(details: { path: string; message: string }[]): void {
  if (details.length === 0) return;
  const more = details.length > 3 ? ` And ${details.length - 3} more.` : '';
  const message = `${details
    .slice(0, 3)
    .map((detail) => detail.message)
    .join(' ')}${more}`;
  throw new PlatformError('request_invalid', message, { details });
}

function shown(name: string): string {
  return /^[\x21-\x7e]{1,60}$/.test(name) ? name : JSON.stringify(name.slice(0, 60));
}

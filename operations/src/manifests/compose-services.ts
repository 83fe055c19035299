import { PlatformError } from '@eve/domain';
import { parse, YAMLParseError } from 'yaml';
import { howToSetSecret } from '../secrets/missing-secrets.ts';
import { keysOf } from './schema.ts';
import { ServiceFile } from './schema-service.ts';

type Plain = Record<string, unknown>;

/** A Compose file's services as a manifest may have them, the volumes they name, and what was changed on the way. */
export function composeServices(text: string): { services: Plain; volumes: string[]; notes: string[] } {
  const file = readCompose(text);
  const notes = new Set<string>();
  const volumes = new Set<string>();
  const services: Plain = {};
  for (const [name, service] of Object.entries(file)) {
    services[serviceName(name, notes)] = convertService(name, isPlain(service) ? service : {}, volumes, notes);
  }
  return { services, volumes: [...volumes], notes: [...notes] };
}

function readCompose(text: string): Plain {
  try {
    const file: unknown = parse(text, { merge: true, maxAliasCount: 100, logLevel: 'silent' });
    if (isPlain(file) && isPlain(file.services) && Object.keys(file.services).length > 0) return file.services;
  } catch (cause) {
    if (!(cause instanceof YAMLParseError || cause instanceof ReferenceError || cause instanceof RangeError))
      throw cause;
    const { line, col: column } = (cause instanceof YAMLParseError && cause.linePos?.[0]) || { line: 1, col: 1 };
    const message = cause.message.split('\n')[0] ?? '';
    throw new PlatformError('manifest_invalid', `The Compose file is not valid YAML, line ${line}: ${message}`, {
      details: [{ path: '', message, line, column }],
      cause,
    });
  }
  throw new PlatformError('manifest_invalid', 'The Compose file has no `services`.');
}

function serviceName(name: string, notes: Set<string>): string {
  const plain = name
    .toLowerCase()
    .replace(/[^a-z0-9_-]+/g, '-')
    .replace(/([-_])[-_]+/g, '$1')
    .replace(/^[-_]+|[-_]+$/g, '');
  if (plain !== name) notes.add(`Service ${name} is named ${plain}: its name is part of host names.`);
  return plain;
}

function convertService(name: string, service: Plain, volumes: Set<string>, notes: Set<string>): Plain {
  const known = keysOf(ServiceFile);
  const result: Plain = {};
  for (const [key, value] of Object.entries(service)) {
    if (key === 'profiles') {
      result['x-eve'] = { role: 'job' };
      notes.add(`${name} has profiles, so it is a job: it is built, and only runs when asked.`);
    } else if (key === 'environment') result[key] = environmentOf(name, value, notes);
    else if (key === 'volumes') {
      const mounts = volumesOf(name, value, volumes, notes);
      if (mounts.length > 0) result[key] = mounts;
    } else if (key === 'depends_on') result[key] = dependenciesOf(name, value, notes);
    else if (known.read.includes(key)) result[key] = filledIn(value, name, notes, false);
    else if (key === 'env_file')
      notes.add(`${name}: env_file is not read; copy its values into \`environment\`, or set them as secrets.`);
    else notes.add(`${name}: \`${key}\` is left out${known.ignored.has(key) ? `: ${known.ignored.get(key)}` : '.'}`);
  }
  return result;
}

function environmentOf(name: string, value: unknown, notes: Set<string>): Plain {
  const listed = (item: unknown): [string, unknown] => {
    const [key = '', ...rest] = String(item).split('=');
    return [key, String(item).includes('=') ? rest.join('=') : null];
  };
  const pairs = Array.isArray(value) ? value.map(listed) : Object.entries(isPlain(value) ? value : {});
  return Object.fromEntries(pairs.map(([key, given]) => [key, filledIn(given ?? `\${${key}}`, name, notes, true)]));
}

/** Compose's variables: the default where there is one, a secret where one may stand, else nothing. */
function filledIn(value: unknown, name: string, notes: Set<string>, secrets: boolean): unknown {
  if (Array.isArray(value)) return value.map((item) => filledIn(item, name, notes, secrets));
  if (isPlain(value)) {
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, filledIn(item, name, notes, secrets)]));
  }
  if (typeof value !== 'string') return value;
  return value.replace(
    /\$\$|\$\{([A-Za-z_]\w*)(?::?([-?+])([^}]*))?\}|\$([A-Za-z_]\w*)/g,
    (
      whole,
      braced: string | undefined,
      operator: string | undefined,
      rest: string | undefined,
      bare: string | undefined,
    ) => {
      if (whole === '$$') return '$';
      const variable = braced ?? bare ?? '';
      if (operator === '-' && rest !== undefined) return rest;
      if (secrets) {
        notes.add(`${name} takes ${variable} from a secret: set it with ${howToSetSecret(variable)}.`);
        return `\${secret.${variable}}`;
      }
      notes.add(`${name}: \`${whole}\` has no default and is left out; write the value.`);
      return '';
    },
  );
}

function volumesOf(name: string, value: unknown, volumes: Set<string>, notes: Set<string>): string[] {
  const mounts: string[] = [];
  for (const item of Array.isArray(value) ? value : []) {
    const [source, target, mode] = isPlain(item)
      ? [item.type === 'tmpfs' ? '.' : item.source, item.target, item.read_only ? 'ro' : undefined]
      : String(filledIn(item, name, notes, false)).split(':');
    if (target === undefined) {
      const volume = `${name}-${String(source).split('/').filter(Boolean).join('-')}`.replace(/[^a-zA-Z0-9_.-]/g, '-');
      volumes.add(volume);
      mounts.push(`${volume}:${source}`);
    } else if (/^[a-zA-Z0-9][\w.-]*$/.test(String(source))) {
      volumes.add(String(source));
      mounts.push(
        `${source}:${target}${
          String(mode ?? '')
            .split(',')
            .includes('ro')
            ? ':ro'
            : ''
        }`,
      );
    } else notes.add(`${name}: the directory ${source} is not mounted; copy what is needed into the image.`);
  }
  return mounts;
}

function dependenciesOf(name: string, value: unknown, notes: Set<string>): unknown {
  if (!isPlain(value)) return value;
  return Object.fromEntries(
    Object.entries(value).map(([service, settings]) => {
      const condition = isPlain(settings) ? settings.condition : undefined;
      if (condition !== 'service_completed_successfully')
        return [service, { condition: condition ?? 'service_started' }];
      notes.add(`${name} waits for ${service} to start, not to end: service_completed_successfully is not supported.`);
      return [service, { condition: 'service_started' }];
    }),
  );
}

function isPlain(value: unknown): value is Plain {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

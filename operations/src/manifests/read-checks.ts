import type { CommandCheck, HttpCheck, Service } from '@eve/domain';
import { booleanOf, type Field, type Fields, fail, integerOf, isList, recordOf, textOf } from './field.ts';
import { readDuration } from './read-amounts.ts';
import { commandText, commandWords } from './read-command.ts';
import { keysOf } from './schema.ts';
import { CheckFile, ProbeFile } from './schema-service.ts';

const checkKeys = keysOf(CheckFile);
const probeKeys = keysOf(ProbeFile);

/** Compose's healthcheck with Compose's defaults; null for none, and for one that is switched off. */
export function readHealthcheck(field: Field | undefined): CommandCheck | null {
  if (!field) return null;
  const fields = recordOf(field, checkKeys);
  const disableField = fields.get('disable');
  const times = readTimes(fields, { intervalMs: 30_000, timeoutMs: 30_000, retries: 3, startPeriodMs: 0 });
  if (disableField && booleanOf(disableField)) return null;
  const testField = fields.get('test');
  if (!testField)
    return fail(field, 'Write what the check runs as `test`, such as ["CMD", "curl", "-f", "http://localhost:8080/"].');
  const test = readTest(testField);
  return test ? { test, ...times } : null;
}

function readTest(field: Field): CommandCheck['test'] | null {
  if (!isList(field)) {
    const text = commandText(field, 'text for a shell, or a list');
    return text === null ? null : { shell: true, command: [text] };
  }
  const [kind, ...rest] = commandWords(field);
  if (kind === 'NONE') return null;
  if (kind === 'CMD' && rest.length > 0) return { shell: false, command: rest };
  if (kind === 'CMD-SHELL' && rest.length === 1) return { shell: true, command: rest };
  return fail(field, 'Begin the list with CMD and the program, CMD-SHELL and one text, or NONE.');
}

/** The probes under `x-eve`. Failures in the first 30 seconds do not count unless `start_period` says otherwise. */
export function readProbes(field: Field | undefined): Service['probes'] {
  const fields = field
    ? recordOf(field, { read: ['live', 'ready', 'startup'], ignored: new Map() })
    : new Map<string, Field>();
  return {
    live: readProbe(fields.get('live')),
    ready: readProbe(fields.get('ready')),
    startup: readProbe(fields.get('startup')),
  };
}

function readProbe(field: Field | undefined): HttpCheck | null {
  if (!field) return null;
  const fields = recordOf(field, probeKeys);
  const pathField = fields.get('path');
  const portField = fields.get('port');
  const port = portField ? integerOf(portField, 1, 65535) : null;
  const times = readTimes(fields, { intervalMs: 5_000, timeoutMs: 3_000, retries: 3, startPeriodMs: 30_000 });
  if (!pathField) return fail(field, 'Write what the probe asks for as `path`, such as /health.');
  const path = textOf(pathField, 'a path such as /health');
  if (path === null) return null;
  if (!/^\/[^\s#]*$/.test(path))
    return fail(pathField, `\`${path}\` is no path; begin it with a slash, without blanks.`);
  return { path, port, ...times };
}

function readTimes(fields: Fields, otherwise: Omit<CommandCheck, 'test'>): Omit<CommandCheck, 'test'> {
  const retriesField = fields.get('retries');
  return {
    intervalMs: Math.max(100, readDuration(fields.get('interval'), otherwise.intervalMs)),
    timeoutMs: Math.max(100, readDuration(fields.get('timeout'), otherwise.timeoutMs)),
    retries: (retriesField ? integerOf(retriesField, 1, 1000) : null) ?? otherwise.retries,
    startPeriodMs: readDuration(fields.get('start_period'), otherwise.startPeriodMs),
  };
}

import { defaultUpdate, type ReleaseCommand, type Service, type Strategy, type UpdateSettings } from '@eve/domain';
import * as f from './field.ts';
import { readDuration } from './read-amounts.ts';
import { commandText, commandWords } from './read-command.ts';
import { readStrategyWords } from './read-strategy.ts';
import { keysOf } from './schema.ts';
import { ReleaseCommandFile, UpdateFile } from './schema-rollout.ts';

const updateKeys = keysOf(UpdateFile);
const commandKeys = keysOf(ReleaseCommandFile);
const releaseCommandMs = 600_000;
const longestReleaseCommandMs = 24 * 3_600_000;

/** How traffic moves, as a word or a mapping; every mistake is noted at its own place. */
export function readStrategy(field: f.Field | undefined): Strategy | null {
  if (!field) return null;
  const { strategy, mistakes } = readStrategyWords(f.plainOf(field));
  for (const { path, message } of mistakes) f.fail(fieldAt(field, path), message);
  return strategy;
}

/** The field at a path below another one, or the nearest above it that there is. */
function fieldAt(field: f.Field, path: readonly (string | number)[]): f.Field {
  let at = field;
  for (const part of path) {
    const below =
      typeof part === 'number' ? f.isList(at) && f.itemsOf(at)?.[part] : f.isMapping(at) && f.entriesOf(at)?.get(part);
    if (!below) return at;
    at = below;
  }
  return at;
}

/** Compose's `update_config`. Where it says nothing: new before old, and back to the old ones when it fails. */
export function readUpdate(field: f.Field | undefined): UpdateSettings {
  const fields: f.Fields = field ? f.recordOf(field, updateKeys) : new Map();
  const parallelism = fields.get('parallelism');
  const order = fields.get('order');
  const failureAction = fields.get('failure_action');
  return {
    parallelism: (parallelism ? f.integerOf(parallelism, 0, 100) : null) ?? defaultUpdate.parallelism,
    delayMs: readDuration(fields.get('delay'), defaultUpdate.delayMs),
    order: (order ? f.wordOf(order, ['start-first', 'stop-first'] as const) : null) ?? defaultUpdate.order,
    failureAction:
      (failureAction ? f.wordOf(failureAction, ['rollback', 'pause', 'continue'] as const) : null) ??
      defaultUpdate.failureAction,
    monitorMs: readDuration(fields.get('monitor'), defaultUpdate.monitorMs),
  };
}

/** What runs once per deploy before anything gets traffic: text for a shell, a list, or a mapping with its own timeout. */
export function readReleaseCommand(field: f.Field | undefined): Service['releaseCommand'] {
  if (!field) return null;
  if (!f.isMapping(field)) return readCommand(field, releaseCommandMs);
  const fields = f.recordOf(field, commandKeys);
  const command = fields.get('command');
  const timeout = fields.get('timeout');
  const timeoutMs = readDuration(timeout, releaseCommandMs);
  if (timeout && (timeoutMs < 1000 || timeoutMs > longestReleaseCommandMs))
    f.fail(timeout, 'A release command has from a second to a day; write a duration such as 10m.');
  if (!command) return f.fail(field, 'Write what is run as `command`: text for a shell, or a list.');
  return readCommand(command, timeoutMs);
}

function readCommand(field: f.Field, timeoutMs: number): ReleaseCommand | null {
  if (!f.isList(field)) {
    const text = commandText(field, 'text for a shell, or a list');
    if (text === null) return null;
    return text.trim() === '' ? f.fail(field, 'This command is empty.') : { shell: true, command: [text], timeoutMs };
  }
  const command = commandWords(field);
  return command.length > 0 ? { shell: false, command, timeoutMs } : f.fail(field, 'This command is empty.');
}

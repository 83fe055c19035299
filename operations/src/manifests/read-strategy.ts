import {
  type CanaryStep,
  defaultCanarySteps,
  defaultStrategy,
  type ErrorDetail,
  PlatformError,
  type Strategy,
} from '@eve/domain';
import { parseDuration } from './units.ts';

const words = ['rolling', 'blue-green', 'canary'] as const;
const keys = {
  rolling: ['type'],
  'blue-green': ['type', 'keep_warm'],
  canary: ['type', 'steps', 'keep_warm'],
} as const satisfies Record<(typeof words)[number], readonly string[]>;
const mostSteps = 20;
const longestMs = 7 * 24 * 3_600_000;
const forms = 'rolling, blue-green, blue-green:10m, canary, canary:10,50 or canary:10@5m,50';

/** A mistake in the words of a strategy, and where in them it stands. */
export interface StrategyMistake {
  readonly path: readonly (string | number)[];
  readonly message: string;
}

/**
 * A strategy from the words that a manifest, a request and the command line share. Throws `strategy_invalid` with all mistakes.
 *
 * As text:
 * - `rolling`, `blue-green` (also `blue_green`), `canary` (10 percent until somebody promotes it)
 * - `blue-green:10m`: what served before is kept warm that long
 * - `canary:10,50`: these percents one after another, each until somebody promotes it
 * - `canary:10@5m,50`: 10 percent for five minutes, then 50 until somebody promotes it
 *
 * As a mapping: `{type, steps?: [{weight, pause?}] , keep_warm?}`, where a step may be a bare number, and `pause` is a duration such as
 * `5m`, or null, `manual` or nothing for one that waits for somebody. Durations as bare numbers count seconds.
 */
export function strategyFrom(value: unknown): Strategy {
  const read = readStrategyWords(value);
  if (read.strategy) return read.strategy;
  const details = read.mistakes.map(({ path, message }): ErrorDetail => ({ path: dotted(path), message }));
  throw new PlatformError('strategy_invalid', details[0]?.message ?? `Write the strategy as ${forms}.`, { details });
}

/** As `strategyFrom`, for callers that say themselves where a mistake stands. */
export function readStrategyWords(value: unknown): { strategy: Strategy | null; mistakes: StrategyMistake[] } {
  const mistakes: StrategyMistake[] = [];
  const wrong: Wrong = (path, message) => {
    mistakes.push({ path, message });
    return null;
  };
  const strategy = typeof value === 'string' ? fromText(value.trim(), wrong) : fromMapping(value, wrong);
  return { strategy: mistakes.length > 0 ? null : strategy, mistakes };
}

/** A strategy as the text that `strategyFrom` reads; a canary's time of keeping warm has no place in it. */
export function strategyText(strategy: Strategy): string {
  if (strategy.kind === 'rolling') return 'rolling';
  if (strategy.kind === 'blue_green')
    return strategy.keepWarmMs > 0 ? `blue-green:${durationText(strategy.keepWarmMs)}` : 'blue-green';
  const steps = strategy.steps.map(
    ({ weight, pauseMs }) => `${weight}${pauseMs === null ? '' : `@${durationText(pauseMs)}`}`,
  );
  return `canary:${steps.join(',')}`;
}

/** A strategy as the mapping that `strategyFrom` reads, whole. */
export function strategyWords(strategy: Strategy): {
  type: (typeof words)[number];
  steps?: { weight: number; pause: string | null }[];
  keep_warm?: string;
} {
  if (strategy.kind === 'rolling') return { type: 'rolling' };
  const keep_warm = durationText(strategy.keepWarmMs);
  if (strategy.kind === 'blue_green') return { type: 'blue-green', keep_warm };
  const steps = strategy.steps.map(({ weight, pauseMs }) => ({
    weight,
    pause: pauseMs === null ? null : durationText(pauseMs),
  }));
  return { type: 'canary', steps, keep_warm };
}

type Wrong = (path: readonly (string | number)[], message: string) => null;

function fromText(text: string, wrong: Wrong): Strategy | null {
  const [, name = '', rest] = /^([^:]*)(?::(.*))?$/s.exec(text) ?? [];
  const type = wordOf(name, [], wrong);
  if (type === null || rest === undefined) return type && plain(type);
  if (type === 'rolling') return wrong([], 'A rolling strategy has nothing after its name; write `rolling`.');
  if (type === 'blue-green') return { kind: 'blue_green', keepWarmMs: durationOf(rest, [], wrong) ?? 0 };
  const steps = rest.split(',').map((step) => {
    const [weight = '', ...pause] = step.trim().split('@');
    return { weight, pause: pause.length > 0 ? pause.join('@') : null };
  });
  return { kind: 'canary', steps: stepsOf(steps, [], wrong), keepWarmMs: 0 };
}

function fromMapping(value: unknown, wrong: Wrong): Strategy | null {
  if (!isMapping(value))
    return wrong([], `Write the strategy as one of: ${words.join(', ')}, or as a mapping with \`type\`.`);
  if (value.type === undefined) return wrong([], `Say which strategy as \`type\`, one of: ${words.join(', ')}.`);
  const type = wordOf(value.type, ['type'], wrong);
  if (type === null) return null;
  const allowed: readonly string[] = keys[type];
  for (const key of Object.keys(value)) {
    if (!allowed.includes(key) && !/^x[-_]/.test(key))
      wrong([key], `A ${type} strategy has no \`${key}\`; it has ${allowed.map((each) => `\`${each}\``).join(', ')}.`);
  }
  if (type === 'rolling') return plain(type);
  const keepWarmMs = durationOf(value.keep_warm ?? 0, ['keep_warm'], wrong) ?? 0;
  if (type === 'blue-green') return { kind: 'blue_green', keepWarmMs };
  if (value.steps === undefined || value.steps === null)
    return { kind: 'canary', steps: defaultCanarySteps, keepWarmMs };
  if (Array.isArray(value.steps)) return { kind: 'canary', steps: stepsOf(value.steps, ['steps'], wrong), keepWarmMs };
  return wrong(['steps'], 'Write `steps` as a list such as [{weight: 10, pause: 5m}, {weight: 50}].');
}

function plain(type: (typeof words)[number]): Strategy {
  if (type === 'rolling') return { kind: 'rolling' };
  return type === 'canary' ? { kind: 'canary', steps: defaultCanarySteps, keepWarmMs: 0 } : defaultStrategy;
}

function wordOf(value: unknown, path: readonly string[], wrong: Wrong): (typeof words)[number] | null {
  const found = words.find((word) => word === value || word.replace('-', '_') === value);
  const given = typeof value === 'string' && value !== '' ? `\`${value.slice(0, 100)}\` is no strategy; u` : 'U';
  return found ?? wrong(path, `${given}se one of: ${words.join(', ')}.`);
}

function stepsOf(steps: readonly unknown[], path: readonly string[], wrong: Wrong): CanaryStep[] {
  if (steps.length === 0 || steps.length > mostSteps) wrong(path, `A canary has 1 to ${mostSteps} steps.`);
  let before = 0;
  return steps.slice(0, mostSteps).map((step, index): CanaryStep => {
    const at = path.length > 0 ? [...path, index] : [];
    const mapping = isMapping(step) ? step : { weight: step };
    for (const key of Object.keys(mapping)) {
      if (key !== 'weight' && key !== 'pause')
        wrong([...at, key], `A step has no \`${key}\`; it has \`weight\` and \`pause\`.`);
    }
    const weight = weightOf(mapping.weight);
    if (weight === null) wrong(at, 'The weight of a step is a whole number of percents from 1 to 99.');
    else if (weight <= before) wrong(at, `The weights of a canary's steps rise; ${weight} comes after ${before}.`);
    before = weight ?? before;
    const waits = mapping.pause === undefined || mapping.pause === null || mapping.pause === 'manual';
    return {
      weight: weight ?? 0,
      pauseMs: waits ? null : durationOf(mapping.pause, [...at, ...(at.length > 0 ? ['pause'] : [])], wrong),
    };
  });
}

function weightOf(value: unknown): number | null {
  const weight = typeof value === 'string' && /^\d{1,2}%?$/.test(value) ? Number.parseInt(value, 10) : value;
  return typeof weight === 'number' && Number.isInteger(weight) && weight >= 1 && weight <= 99 ? weight : null;
}

function durationOf(value: unknown, path: readonly (string | number)[], wrong: Wrong): number | null {
  const text = typeof value === 'number' ? `${value}` : value;
  const milliseconds = typeof text === 'string' ? parseDuration(text) : null;
  if (milliseconds !== null && milliseconds <= longestMs) return milliseconds;
  const given = typeof text === 'string' ? `\`${text.slice(0, 100)}\`` : 'This';
  return wrong(path, `${given} is no duration; write one such as 30s, 5m or 1h, of at most a week.`);
}

/** The shortest text that `parseDuration` reads as this duration. */
export function durationText(milliseconds: number): string {
  const units = [
    ['h', 3_600_000],
    ['m', 60_000],
    ['s', 1000],
  ] as const;
  const [unit, length] = units.find(([, each]) => milliseconds % each === 0) ?? ['ms', 1];
  return milliseconds === 0 ? '0s' : `${milliseconds / length}${unit}`;
}

function dotted(path: readonly (string | number)[]): string {
  return path
    .map((part) => (typeof part === 'number' ? `[${part}]` : `.${part}`))
    .join('')
    .replace(/^\./, '');
}

function isMapping(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

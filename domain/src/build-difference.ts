import type { BuildRun } from './build-run.ts';
import type { BuildSpec } from './build-spec.ts';
import type { BuildStep } from './build-step.ts';
import type { Manifest } from './manifest.ts';

/** One thing that is not as it was. Null: it was not there, or is not there any more. */
export interface BuildDifference {
  /** Such as `git_sha`, `inputs.tag`, `manifest.services.web.build.target`, `steps.web.base image`. */
  readonly what: string;
  readonly before: string | null;
  readonly after: string | null;
}

/** All of a build that may explain why it went as it did. */
export interface ComparedBuild {
  readonly spec: BuildSpec;
  readonly run: BuildRun;
  /** Null where its text is not there any more. */
  readonly manifest: Manifest | null;
  readonly steps: readonly BuildStep[];
}

const most = 100;
const longest = 300;

/** What differs between two builds, what was asked for first; at most 100 things. */
export function buildDifferences(then: ComparedBuild, now: ComparedBuild): readonly BuildDifference[] {
  const manifests = then.manifest && now.manifest ? valueDifferences('manifest', then.manifest, now.manifest) : [];
  return [
    ...valueDifferences('', askedFor(then), askedFor(now)),
    ...manifests,
    ...baseDifferences(then.steps, now.steps),
    ...stepDifferences(then.steps, now),
  ].slice(0, most);
}

function askedFor({ spec, run }: ComparedBuild): Record<string, unknown> {
  const { source, target, gitSha, manifestHash, services, inputs, registry, cache } = spec;
  return {
    source: spec.source.kind === 'git' ? null : source,
    target,
    git_sha: gitSha,
    manifest_hash: manifestHash,
    services,
    inputs,
    registry,
    cache,
    backend: run.backend,
    notes: run.notes,
    limits: run.limits,
  };
}

/** What differs between values, down to their leaves; lists are compared as a whole, and what is null or empty is as if it were absent. */
export function valueDifferences(path: string, then: unknown, now: unknown): BuildDifference[] {
  if (isMapping(then) || isMapping(now)) {
    const [before, after] = [isMapping(then) ? then : {}, isMapping(now) ? now : {}];
    const both = isMapping(then) && isMapping(now);
    const found = [...new Set([...Object.keys(before), ...Object.keys(after)])].flatMap((key) =>
      valueDifferences(path === '' ? key : `${path}.${key}`, before[key], after[key]),
    );
    // A text that became a mapping, or a whole mapping that came or went, is one difference.
    return both || found.length === 0 ? found : [{ what: path, before: shown(then), after: shown(now) }];
  }
  const difference = { what: path, before: shown(then), after: shown(now) };
  return difference.before === difference.after ? [] : [difference];
}

function isMapping(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function shown(value: unknown): string | null {
  if (value === null || value === undefined || (Array.isArray(value) && value.length === 0)) return null;
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  return text.length > longest ? `${text.slice(0, longest)}…` : text;
}

interface Instruction {
  readonly stage: string;
  readonly text: string;
}

/** What a step's name says, when it is one of a Dockerfile: `[deps 3/5] RUN npm ci`. */
function instructionOf({ name }: BuildStep): Instruction | null {
  const match = /^\[(?:(.*) )?\d+\/\d+\] (.+)$/s.exec(name);
  return match?.[2] === undefined ? null : { stage: match[1] ?? '', text: match[2] };
}

/** By service; only of the last attempt, because earlier ones went no further. */
function instructionsOf(steps: readonly BuildStep[]): ReadonlyMap<string, readonly Instruction[]> {
  const last = Math.max(0, ...steps.map(({ attempt }) => attempt));
  const found = new Map<string, Instruction[]>();
  for (const step of steps.filter(({ attempt }) => attempt === last)) {
    const instruction = instructionOf(step);
    if (instruction) found.set(step.service, [...(found.get(step.service) ?? []), instruction]);
  }
  return found;
}

const baseImage = /^FROM (?:--platform=\S+ )?(\S+)/;

function basesOf(instructions: readonly Instruction[]): ReadonlyMap<string, string> {
  return new Map(
    instructions.flatMap(({ stage, text }) => {
      const image = baseImage.exec(text)?.[1];
      return image === undefined ? [] : [[stage, image]];
    }),
  );
}

function baseDifferences(then: readonly BuildStep[], now: readonly BuildStep[]): BuildDifference[] {
  const before = instructionsOf(then);
  return [...instructionsOf(now)].flatMap(([service, instructions]) => {
    const old = basesOf(before.get(service) ?? []);
    return [...basesOf(instructions)].flatMap(([stage, image]) => {
      const was = old.get(stage);
      if (was === undefined || was === image) return [];
      return [{ what: `steps.${service}.base image${stage ? ` of ${stage}` : ''}`, before: was, after: image }];
    });
  });
}

/** Instructions that came and, for a build that went to its end, those that went. Their numbers in a stage do not count. */
function stepDifferences(then: readonly BuildStep[], { run, steps }: ComparedBuild): BuildDifference[] {
  const [before, after] = [instructionsOf(then), instructionsOf(steps)];
  return [...after].flatMap(([service, instructions]) => {
    const was = before.get(service);
    if (!was) return [];
    const what = `steps.${service}`;
    const came = without(instructions, was).map((text) => ({ what, before: null, after: text }));
    const went = run.status === 'completed' ? without(was, instructions) : [];
    return [...came, ...went.map((text) => ({ what, before: text, after: null }))];
  });
}

function without(some: readonly Instruction[], others: readonly Instruction[]): string[] {
  const known = new Set(others.map(written));
  return some
    .filter(({ text }) => !baseImage.test(text))
    .map(written)
    .filter((text) => !known.has(text))
    .map((text) => shown(text) ?? '');
}

function written({ stage, text }: Instruction): string {
  return stage ? `[${stage}] ${text}` : text;
}

import type { BuildStep } from './build-step.ts';

/** A step of a Dockerfile, taken out of the name that the engine gives it. */
export interface DockerfileStep {
  /** Platform and stage, such as `deps` or `linux/arm64 deps`; empty for the only stage of a Dockerfile. */
  readonly stage: string;
  /** From 1, in its stage. */
  readonly position: number;
  readonly instruction: string;
}

/** Reads names such as `[deps 3/5] RUN npm ci`; null for what the engine does besides. */
export function dockerfileStepOf(name: string): DockerfileStep | null {
  const [, place = '', position, instruction = ''] = /^\[(?:(.*?) +)?(\d+)\/\d+\] (.*)$/s.exec(name) ?? [];
  return position === undefined ? null : { stage: place.trim(), position: Number(position), instruction };
}

/**
 * The steps of one service in one attempt, with why each was not taken from the cache: compared with the steps of the
 * last build that was completed. Null where nobody can tell, such as a layer that the engine has thrown away.
 */
export function explainCache(
  steps: readonly BuildStep[],
  previous: readonly BuildStep[],
  { cacheOff }: { readonly cacheOff: boolean },
): BuildStep[] {
  const before = parsed(previous);
  const now = parsed(steps);
  const rebuilt: DockerfileStep[] = [];
  const reasonOf = (step: DockerfileStep): string | null => {
    if (cacheOff) return 'the cache is off';
    if (before.length === 0) return 'first build of this service';
    if (baseOf(now, step.stage) !== baseOf(before, step.stage)) return 'the base image changed';
    const from = /^(?:COPY|ADD) .*?--from=(\S+)/i.exec(step.instruction)?.[1];
    const cause = rebuilt.find(({ stage }) => stage === step.stage || nameOf(stage) === from);
    if (cause) return `a step before it was rebuilt: ${cause.instruction}`;
    const same = before.some(({ step: was }) => was.stage === step.stage && was.instruction === step.instruction);
    if (!same) return 'the instruction changed';
    return /^(?:COPY|ADD) /i.test(step.instruction) && from === undefined ? 'the files changed' : null;
  };

  const reasons = new Map<number, string | null>();
  for (const { step, of } of now.toSorted((a, b) => startOf(a) - startOf(b) || a.of.index - b.of.index)) {
    if (of.state === 'cached' || /^FROM /i.test(step.instruction)) continue;
    reasons.set(of.index, reasonOf(step));
    rebuilt.push(step);
  }
  return steps.map((step) => ({ ...step, cacheReason: reasons.get(step.index) ?? null }));

  function baseOf(among: readonly Parsed[], stage: string): string | null {
    const base = among.find(({ step }) => step.stage === stage && /^FROM /i.test(step.instruction));
    return base?.step.instruction ?? null;
  }
}

interface Parsed {
  readonly step: DockerfileStep;
  readonly of: BuildStep;
}

function startOf({ of }: Parsed): number {
  return of.startedAt?.getTime() ?? 0;
}

/** A stage's name without its platform. */
function nameOf(stage: string): string {
  return stage.split(' ').at(-1) ?? '';
}

function parsed(steps: readonly BuildStep[]): Parsed[] {
  return steps.flatMap((of) => {
    const step = dockerfileStepOf(of.name);
    return step ? [{ step, of }] : [];
  });
}

import type { ProbeResult } from '@eve/domain';

/** What instances answered to their checks while this process asked them, so that a failure can tell all of it. */
export interface ProbeHistory {
  add(instance: string, probe: ProbeResult): void;
  of(instance: string): readonly ProbeResult[];
  forget(instance: string): void;
}

const longest = 200;
const mostInstances = 1_000;

/** An empty history; the oldest answers and instances make room for new ones. */
export function probeHistory(): ProbeHistory {
  const answers = new Map<string, ProbeResult[]>();
  return {
    add(instance, probe) {
      const known = answers.get(instance) ?? [];
      known.push(probe);
      if (known.length > longest) known.shift();
      answers.set(instance, known);
      const [oldest] = answers.keys();
      if (answers.size > mostInstances && oldest !== undefined) answers.delete(oldest);
    },
    of: (instance) => [...(answers.get(instance) ?? [])],
    forget: (instance) => void answers.delete(instance),
  };
}

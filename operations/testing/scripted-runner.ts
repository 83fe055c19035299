import type { Runner, RunnerPlan } from '../src/ports/runner.ts';

/** A runner whose containers print one line and exit with the given code. */
export interface ScriptedRunner extends Runner {
  readonly plans: RunnerPlan[];
  /** By the plan's name; 0 unless given. */
  readonly exitCodes: Record<string, number>;
}

/** Makes a runner on which nothing runs. */
export function scriptedRunner(): ScriptedRunner {
  const plans: RunnerPlan[] = [];
  const exitCodes: Record<string, number> = {};
  const running = new Set<string>();
  return {
    plans,
    exitCodes,
    async ensure(plan) {
      plans.push(plan);
      running.add(plan.name);
      return plan.name;
    },
    async *follow(ref) {
      yield { type: 'log', stream: 'stdout', text: `ran ${ref}`, at: new Date() };
      yield { type: 'exited', code: exitCodes[ref] ?? 0, outOfMemory: false };
    },
    async stop(ref) {
      running.delete(ref);
    },
    list: async () => [...running],
  };
}

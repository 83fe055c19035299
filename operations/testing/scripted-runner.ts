import { setTimeout as sleep } from 'node:timers/promises';
import type { Runner, RunnerPlan } from '../src/ports/runner.ts';

/** What a run prints and how it ends; without a script it prints one line and exits with 0. */
export interface RunScript {
  readonly lines?: readonly string[];
  readonly code?: number;
  readonly outOfMemory?: boolean;
  /** Prints its lines and goes on until it is stopped. */
  readonly hang?: boolean;
}

/** A runner with runs in memory. */
export interface ScriptedRunner extends Runner {
  /** Every `ensure`, also of one that was there. */
  readonly plans: RunnerPlan[];
  /** The names of what was really started. */
  readonly started: string[];
  readonly stopped: string[];
  /** By the plan's name; 0 unless given. */
  readonly exitCodes: Record<string, number>;
  /** How runs go whose names nobody knows before; may be replaced. */
  script: (plan: RunnerPlan) => RunScript;
}

/** Makes a runner on which nothing runs. */
export function scriptedRunner(): ScriptedRunner {
  const runs = new Map<string, RunScript>();
  const runner: ScriptedRunner = {
    plans: [],
    started: [],
    stopped: [],
    exitCodes: {},
    script: () => ({}),
    async ensure(plan) {
      runner.plans.push(plan);
      if (!runs.has(plan.name)) {
        runs.set(plan.name, runner.script(plan));
        runner.started.push(plan.name);
      }
      return plan.name;
    },
    async *follow(ref, cursor, signal) {
      const script = runs.get(ref) ?? {};
      const lines = script.lines ?? [`ran ${ref}`];
      for (const [index, text] of lines.entries())
        if (cursor === null || index > Number(cursor))
          yield { type: 'log', stream: 'stdout', text, at: new Date(), cursor: String(index) };
      while (script.hang && runs.has(ref)) await sleep(5, undefined, { signal });
      const { outOfMemory = false } = script;
      yield { type: 'exited', code: script.code ?? runner.exitCodes[ref] ?? (script.hang ? 137 : 0), outOfMemory };
    },
    async stop(ref) {
      runner.stopped.push(ref);
      runs.delete(ref);
    },
    list: async () => [...runs.keys()],
  };
  return runner;
}

import { createHash } from 'node:crypto';
import { type BuildFailureCode, buildFailure } from '@eve/domain';
import type { BuildEvent, Builder, ImageBuildPlan } from '../src/ports/builder.ts';
import type { ScriptedRegistry } from './scripted-registry.ts';

/** What becomes of one service's image; without a script it is pushed under a digest made of the plan. */
export interface BuildScript {
  readonly lines?: readonly string[];
  readonly digest?: string;
  readonly failure?: { readonly code: BuildFailureCode; readonly message: string; readonly step?: string };
  /** Runs until it is stopped. */
  readonly hang?: boolean;
  /** Says that it pushed, but the registry got nothing. */
  readonly lost?: boolean;
}

/** A builder that does what its script says, and remembers what was asked of it. */
export interface ScriptedBuilder extends Builder {
  readonly plans: ImageBuildPlan[];
  readonly stopped: string[];
  /** By service; may be changed between runs. */
  readonly script: Record<string, BuildScript>;
  /** Names of what runs now. */
  readonly running: Set<string>;
}

/** Makes a builder that pushes to the given registry. */
export function scriptedBuilder(registry: ScriptedRegistry): ScriptedBuilder {
  const plans: ImageBuildPlan[] = [];
  const stopped: string[] = [];
  const script: Record<string, BuildScript> = {};
  const running = new Set<string>();
  const ends = new Map<string, AbortController>();

  async function* follow(ref: string, signal: AbortSignal): AsyncGenerator<BuildEvent> {
    const plan = plans.findLast(({ name }) => name === ref);
    if (!plan) throw new Error(`Nothing of the name ${ref} was begun.`);
    const { lines = [`building ${plan.service}`], failure, hang, digest, lost } = script[plan.service] ?? {};
    const name = '[1/1] RUN make';
    yield { type: 'step', id: '1', name, state: 'started', at: new Date() };
    for (const text of lines) yield { type: 'log', step: name, stream: 'stdout', text, at: new Date() };
    if (hang) {
      await untilAborted(AbortSignal.any([signal, (ends.get(ref) ?? new AbortController()).signal]));
      signal.throwIfAborted();
      return;
    }
    running.delete(ref);
    if (failure) {
      const { code, message, step } = failure;
      yield { type: 'failed', failure: buildFailure(code, message, { step: step ?? null, tail: lines }) };
      return;
    }
    const pushed = digest ?? digestOf(`${plan.service} ${plan.runId}`);
    if (!lost) for (const tag of plan.tags) registry.push(tag, pushed);
    yield { type: 'pushed', digest: pushed };
  }

  return {
    name: 'buildx',
    plans,
    stopped,
    script,
    running,
    capabilities: async () => ({
      version: 'scripted',
      buildkit: '0.8',
      platforms: ['linux/amd64'],
      multiPlatform: true,
      attestations: false,
      rewriteTimestamps: true,
      cacheExport: true,
    }),
    async ensure(plan) {
      if (!running.has(plan.name)) plans.push(plan);
      running.add(plan.name);
      ends.set(plan.name, new AbortController());
      return plan.name;
    },
    follow: (ref, _cursor, signal) => follow(ref, signal),
    async stop(ref) {
      // What is asked for only later must not be seen as ended now.
      await new Promise((resolve) => setTimeout(resolve, 5));
      running.delete(ref);
      stopped.push(ref);
      ends.get(ref)?.abort();
    },
    list: async () => [...running],
  };
}

/** A digest made of a word. */
export function digestOf(word: string): string {
  return `sha256:${createHash('sha256').update(word).digest('hex')}`;
}

async function untilAborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return;
  await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
}

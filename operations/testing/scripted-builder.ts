import { createHash } from 'node:crypto';
import { type BuildFailureCode, type BuildUsage, buildFailure, type RetryClass } from '@eve/domain';
import type { BuildEvent, Builder, BuilderCapabilities, ImageBuildPlan } from '../src/ports/builder.ts';
import type { ScriptedRegistry } from './scripted-registry.ts';

/** What becomes of one service's image; without a script it is pushed under a digest made of the plan. */
export interface BuildScript {
  readonly lines?: readonly string[];
  /** The step that prints the lines; `[1/1] RUN make` unless said. */
  readonly step?: string;
  /** Steps before it that are done, or taken from the cache. */
  readonly steps?: readonly { readonly name: string; readonly state: 'cached' | 'done' }[];
  readonly usage?: BuildUsage;
  readonly digest?: string;
  readonly failure?: {
    readonly code: BuildFailureCode;
    readonly message: string;
    readonly step?: string;
    readonly retryClass?: RetryClass;
  };
  /** How often it fails before it does not; always unless said. */
  readonly failures?: number;
  /** Runs until it is stopped. */
  readonly hang?: boolean;
  /** Says that it pushed, but the registry got nothing. */
  readonly lost?: boolean;
}

/** A builder that does what its script says, and remembers what was asked of it. */
export interface ScriptedBuilder extends Builder {
  readonly plans: ImageBuildPlan[];
  readonly stopped: string[];
  /** May be changed by a test. */
  can: BuilderCapabilities;
  /** By service, and `<service>:test` for the build that tests it; may be changed between runs. */
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
  const failed = new Map<string, number>();

  async function* follow(ref: string, signal: AbortSignal): AsyncGenerator<BuildEvent> {
    const plan = plans.findLast(({ name }) => name === ref);
    if (!plan) throw new Error(`Nothing of the name ${ref} was begun.`);
    const key = plan.output === 'none' ? `${plan.service}:test` : plan.service;
    const { lines = [`building ${plan.service}`], failure, hang, digest, lost, ...more } = script[key] ?? {};
    const name = more.step ?? '[1/1] RUN make';
    const at = new Date();
    for (const step of more.steps ?? []) {
      if (step.state === 'done') yield { type: 'step', id: step.name, name: step.name, state: 'started', at };
      yield { type: 'step', id: step.name, name: step.name, state: step.state, at };
    }
    yield { type: 'step', id: name, name, state: 'started', at };
    for (const text of lines) yield { type: 'log', step: name, stream: 'stdout', text, at: new Date() };
    if (more.usage) yield { type: 'usage', usage: more.usage };
    if (hang) {
      await untilAborted(AbortSignal.any([signal, (ends.get(ref) ?? new AbortController()).signal]));
      signal.throwIfAborted();
      return;
    }
    running.delete(ref);
    const times = failed.get(key) ?? 0;
    if (failure && times < (more.failures ?? Number.POSITIVE_INFINITY)) {
      failed.set(key, times + 1);
      const { code, message, step = null, retryClass = null } = failure;
      yield { type: 'step', id: name, name, state: 'failed', at: new Date(), error: message };
      yield { type: 'failed', failure: buildFailure(code, message, { step, tail: lines, retryClass }) };
      return;
    }
    yield { type: 'step', id: name, name, state: 'done', at: new Date() };
    if (plan.output === 'none') {
      yield { type: 'passed' };
      return;
    }
    const pushed = digest ?? digestOf(`${plan.service} ${plan.runId}`);
    const places = plan.output === 'push' ? plan.tags : plan.tags.map((tag) => tag.replace(/:[^:/]+$/, `@${pushed}`));
    if (!lost) for (const place of places) registry.push(place, pushed);
    yield { type: 'pushed', digest: pushed };
  }

  return {
    name: 'buildx',
    plans,
    stopped,
    script,
    running,
    can: {
      version: 'scripted',
      buildkit: '0.8',
      platforms: ['linux/amd64'],
      multiPlatform: true,
      attestations: false,
      rewriteTimestamps: true,
      cacheExport: true,
      limits: false,
    },
    async capabilities() {
      return this.can;
    },
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

import { setTimeout as sleep } from 'node:timers/promises';
import { DeployFailed, type InstanceReport, type ProbeResult } from '@eve/domain';
import { deployFailure } from '../src/deploys/deploy-failure.ts';
import type {
  Deployer,
  DeployTarget,
  EngineImage,
  Instance,
  RuntimeLine,
  ServiceTarget,
  Stray,
} from '../src/ports/deployer.ts';
import { scriptedRolling } from './scripted-rolling.ts';

/** What happens to new instances of a service; without a script they become healthy at once and stay so. */
export interface DeployScript {
  readonly unhealthy?: boolean;
  /** What the runtime reports instead of the image's digests. */
  readonly digests?: readonly string[];
  /** Runs when it starts, but has exited when it is looked at again. */
  readonly exits?: boolean;
  /** Never becomes healthy until the deploy is ended. */
  readonly hang?: boolean;
  /** From the how-manyth `probe` on it is not healthy any more: 1 is the first. */
  readonly unhealthyFrom?: number;
  /** What its check prints. */
  readonly says?: string;
  /** From the how-manyth `probe` on it has exited. */
  readonly exitsFrom?: number;
}

/** An instance in memory, with where it stands: what rolls in place leaves its slot to nobody else. */
export type Kept = { -readonly [Key in keyof Instance]: Instance[Key] } & {
  readonly environmentId: string;
  readonly script: DeployScript;
  readonly slot: 'blue' | 'green';
  readonly printed: RuntimeLine[];
  probed: number;
};

/** A deployer with instances in memory. */
export interface ScriptedDeployer extends Deployer {
  /** By service, for instances that are started from now on; or by an instance's name, at once. */
  readonly script: Record<string, DeployScript>;
  readonly instances: Kept[];
  readonly applied: DeployTarget[];
  /** What `apply` was limited to, call by call. */
  readonly limits: (Readonly<Record<string, number>> | undefined)[];
  /** The instances that each `serve` named. */
  readonly served: (readonly string[])[];
  readonly removed: string[];
  readonly halted: string[];
  readonly resumed: string[];
  /** What was rolled to, one after another, where it exchanges instances itself. */
  readonly rolled: DeployTarget[];
  /** Images that only the local engine holds, by name. */
  readonly localImages: Record<string, string>;
  /** Those of them that Eve built, or a registry has. */
  readonly notByHand: Set<string>;
  readonly engineImages: EngineImage[];
  readonly strayThings: Stray[];
  /** Names under which a service resolves now: its instances' names. */
  named(service: string): string[];
  /** Lets an instance print a line. */
  print(instance: string, text: string, at?: Date): void;
}

/** Makes a deployer on which nothing runs. */
export function scriptedDeployer(by: Deployer['exchange']['by'] = 'halting'): ScriptedDeployer {
  const rolls = by === 'rolling';
  let nextPort = 21_000;
  const instances: Kept[] = [];
  const of = (environmentId: string) => instances.filter((each) => each.environmentId === environmentId);
  const oneOf = ({ name }: Pick<Instance, 'name'>) => instances.find((each) => each.name === name);
  const standing = ({ environment, reusable }: DeployTarget, { service, hash }: ServiceTarget) => {
    const running = of(environment.id).filter(
      (each) => each.service === service.name && each.hash === hash && each.state === 'running',
    );
    const again = running.filter(({ name, named }) => !named && reusable.includes(name));
    return { named: running.filter(({ named }) => named), again };
  };

  /** Where something new stands: beside what is of its hash already, else where nothing serves. */
  const slotFor = ({ environment }: DeployTarget, { service, hash }: ServiceTarget) => {
    const mine = of(environment.id).filter((each) => each.service === service.name);
    const same = mine.find((each) => each.hash === hash);
    return same?.slot ?? (mine.some(({ named, slot }) => named && slot === 'blue') ? 'green' : 'blue');
  };

  function start(
    target: DeployTarget,
    { service, hash, digests, port }: ServiceTarget,
    replica: number,
    slot: Kept['slot'],
  ): Kept {
    const name = `${target.place}-${service.name}-${target.revision.number}-${replica}`;
    const has = instances.find((each) => each.name === name && each.hash === hash);
    if (has) return has;
    const script = deployer.script[service.name] ?? {};
    const { exits, digests: reported = [digests.at(-1) ?? ''] } = script;
    const made: Kept = {
      name,
      environmentId: target.environment.id,
      service: service.name,
      deployId: target.deployId,
      hash,
      ports: port === null ? [] : [{ container: port, host: '127.0.0.1', port: nextPort++ }],
      named: false,
      state: exits ? 'exited' : 'running',
      restarts: 0,
      digests: reported,
      startedAt: new Date(),
      script,
      slot,
      printed: [{ at: new Date(), stream: 'stdout', text: `${name} listens` }],
      probed: 0,
    };
    instances.push(made);
    return made;
  }

  function answer(instance: Kept): ProbeResult {
    const { unhealthyFrom, exitsFrom, unhealthy, says } = deployer.script[instance.name] ?? instance.script;
    instance.probed += 1;
    if (exitsFrom !== undefined && instance.probed >= exitsFrom) instance.state = 'exited';
    if (instance.state !== 'running') return { at: new Date(), ok: false, detail: 'exited with 1' };
    const ok = !unhealthy && (unhealthyFrom === undefined || instance.probed < unhealthyFrom);
    return { at: new Date(), ok, detail: says ?? `GET /health: ${ok ? 200 : 503}` };
  }

  const deployer: ScriptedDeployer = {
    name: 'docker',
    script: {},
    instances,
    applied: [],
    limits: [],
    served: [],
    removed: [],
    halted: [],
    resumed: [],
    rolled: [],
    localImages: {},
    notByHand: new Set(),
    engineImages: [],
    strayThings: [],
    named: (service) => instances.filter((each) => each.service === service && each.named).map(({ name }) => name),
    print(name, text, at = new Date()) {
      instances.find((each) => each.name === name)?.printed.push({ at, stream: 'stdout', text });
    },
    unsupported: () => [],
    plan: async (target) =>
      target.services.map((wanted) => {
        const { named, again } = standing(target, wanted);
        const service = wanted.service.name;
        if (named.length > 0) return { service, kind: 'keep', reason: 'unchanged', instances: named.length };
        if (again.length > 0) return { service, kind: 'keep', reason: 'taken up again', instances: again.length };
        return { service, kind: 'start', reason: 'its image or configuration changed', instances: 1 };
      }),
    async *apply(target, _lease, signal, upTo) {
      deployer.applied.push(target);
      deployer.limits.push(upTo);
      const started: InstanceReport[] = [];
      for (const wanted of target.services) {
        const { name: service, replicas } = wanted.service;
        const most = Math.min(replicas, upTo?.[service] ?? replicas);
        const { named, again } = standing(target, wanted);
        const well: Kept[] = [];
        for (const instance of again.slice(0, Math.max(0, most - named.length))) {
          const probe = answer(instance);
          yield { type: 'probed', service, instance: instance.name, probe };
          if (probe.ok) well.push(instance);
        }
        const kept = [...named, ...well].slice(0, most);
        const isMine = ({ deployId, hash }: Instance) => deployId === target.deployId && hash === wanted.hash;
        for (const instance of kept) yield { type: 'healthy', instance: { ...instance } };
        const up = [...kept];
        const slot = slotFor(target, wanted);
        if (rolls && up.length < most) runtime.clear(target, wanted, slot);
        for (let replica = 1; up.length < most; replica++) {
          const instance = rolls ? runtime.pod(target, wanted, slot, up) : start(target, wanted, replica, slot);
          if (up.includes(instance)) continue;
          up.push(instance);
          yield { type: 'started', instance: { ...instance } };
          const { unhealthy, hang } = instance.script;
          if (hang) await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve()));
          signal.throwIfAborted();
          const probe = { at: new Date(), ok: !unhealthy, detail: `GET /health: ${unhealthy ? 503 : 200}` };
          yield { type: 'probed', service, instance: instance.name, probe };
          const logs = unhealthy ? ['cannot reach the database'] : [];
          const { name, state, restarts } = instance;
          started.push({ instance: name, service, state, restarts, probes: [probe], logs });
          if (unhealthy) {
            const failure = deployFailure('health_check_failed', `Service ${service} is not healthy.`, service);
            throw new DeployFailed({ ...failure, probes: [probe], logs, instances: started });
          }
          // As an engine does: those that depend on it need its name now, and nobody loses it.
          const others = of(target.environment.id).filter((each) => each.service === service && !isMine(each));
          instance.named ||= kept.length === 0 && others.every((each) => !each.named || each.state !== 'running');
          yield { type: 'healthy', instance: { ...instance } };
        }
      }
    },
    async serve(target, names) {
      deployer.served.push(names);
      const named = of(target.environment.id).filter(({ name }) => names.includes(name));
      const isNamed = ({ name, service, slot }: Kept) =>
        rolls ? named.some((each) => each.service === service && each.slot === slot) : names.includes(name);
      for (const each of of(target.environment.id)) each.named = isNamed(each);
    },
    async probe(_wanted, instance) {
      const found = oneOf(instance);
      return [found ? answer(found) : { at: new Date(), ok: false, detail: 'it is gone' }];
    },
    exchange: rolls
      ? { by: 'rolling', roll: (target, _lease, signal) => runtime.roll(target, signal) }
      : {
          by: 'halting',
          async halt(gone) {
            for (const each of gone.map(oneOf)) if (each) each.state = 'exited';
            deployer.halted.push(...gone.map(({ name }) => name));
          },
          async resume(back) {
            for (const each of back.map(oneOf)) if (each) each.state = 'running';
            deployer.resumed.push(...back.map(({ name }) => name));
          },
        },
    observe: async (environmentId) => of(environmentId).map((each) => ({ ...each })),
    async remove(gone) {
      const names = new Set(gone.map(({ name }) => name));
      deployer.removed.push(...names);
      for (const each of instances.filter(({ name }) => names.has(name))) instances.splice(instances.indexOf(each), 1);
    },
    async *logs(instance, { since, tail, follow }, signal) {
      const lines = oneOf(instance)?.printed ?? [];
      const first = tail === undefined ? 0 : Math.max(0, lines.length - tail);
      for (let next = first; ; next++) {
        while (next >= lines.length && follow && !signal.aborted && oneOf(instance)?.state === 'running')
          await sleep(5);
        const line = lines[next];
        if (!line || signal.aborted) return;
        if (!since || line.at >= since) yield line;
      }
    },
    tail: async (instance, lines) => (oneOf(instance)?.printed ?? []).map(({ text }) => text).slice(-lines),
    async removeEnvironment(environmentId, _options, signal) {
      await deployer.remove(of(environmentId), signal);
    },
    localImage: async (reference) => {
      const id = deployer.localImages[reference];
      return id ? { id, byHand: !deployer.notByHand.has(reference) } : null;
    },
    images: async (prefixes) =>
      deployer.engineImages.filter(({ references }) =>
        references.some((reference) => prefixes.some((prefix) => reference.startsWith(prefix))),
      ),
    async removeImage(id) {
      const at = deployer.engineImages.findIndex((image) => image.id === id && !image.inUse);
      if (at >= 0) deployer.engineImages.splice(at, 1);
      return at >= 0;
    },
    strays: async (environments) =>
      deployer.strayThings.filter(({ environmentId }) => !environmentId || !environments.includes(environmentId)),
    async removeStray({ name }) {
      const at = deployer.strayThings.findIndex((stray) => stray.name === name);
      if (at >= 0) deployer.strayThings.splice(at, 1);
    },
  };
  const runtime = scriptedRolling({ instances, rolled: deployer.rolled, start, slotFor });
  return deployer;
}

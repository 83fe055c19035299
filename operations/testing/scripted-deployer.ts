import { DeployFailed } from '@eve/domain';
import { deployFailure } from '../src/deploys/deploy-failure.ts';
import type { Deployer, DeployTarget, Instance, ServiceTarget } from '../src/ports/deployer.ts';

/** What happens to new instances of a service; without a script they become healthy at once. */
export interface DeployScript {
  readonly unhealthy?: boolean;
  /** What the runtime reports instead of the image's digests. */
  readonly digests?: readonly string[];
  /** Runs when it starts, but has exited when it is looked at again. */
  readonly exits?: boolean;
  /** Never becomes healthy until the deploy is ended. */
  readonly hang?: boolean;
}

type Kept = { -readonly [Key in keyof Instance]: Instance[Key] } & { readonly environmentId: string };

/** A deployer with instances in memory. */
export interface ScriptedDeployer extends Deployer {
  /** By service; may be changed between deploys. */
  readonly script: Record<string, DeployScript>;
  readonly instances: Kept[];
  readonly applied: DeployTarget[];
  readonly removed: string[];
  /** Images that only the local engine holds, by name. */
  readonly localImages: Record<string, string>;
  /** Names under which a service resolves now: its instances' names. */
  named(service: string): string[];
}

/** Makes a deployer on which nothing runs. */
export function scriptedDeployer(): ScriptedDeployer {
  let nextPort = 21_000;
  const instances: Kept[] = [];
  const of = (environmentId: string) => instances.filter((each) => each.environmentId === environmentId);
  const current = (target: DeployTarget, { service, hash }: ServiceTarget) =>
    of(target.environment.id).filter((each) => each.service === service.name && each.hash === hash);

  function start(target: DeployTarget, { service, hash, digests, port }: ServiceTarget, replica: number): Kept {
    const name = `${target.place}-${service.name}-${target.revision.number}-${replica}`;
    const has = instances.find((each) => each.name === name);
    if (has) return has;
    const { exits, digests: reported = [digests.at(-1) ?? ''] } = deployer.script[service.name] ?? {};
    const ports = port === null ? [] : [{ container: port, host: '127.0.0.1', port: nextPort++ }];
    const made: Kept = {
      name,
      environmentId: target.environment.id,
      service: service.name,
      deployId: target.deployId,
      hash,
      ports,
      named: false,
      state: exits ? 'exited' : 'running',
      restarts: 0,
      digests: reported,
      startedAt: new Date(),
    };
    instances.push(made);
    return made;
  }

  const deployer: ScriptedDeployer = {
    name: 'docker',
    script: {},
    instances,
    applied: [],
    removed: [],
    localImages: {},
    named: (service) => instances.filter((each) => each.service === service && each.named).map(({ name }) => name),
    unsupported: () => [],
    plan: async (target) =>
      target.services.map((wanted) => {
        const keep = current(target, wanted).some(({ named }) => named);
        const reason = keep ? 'unchanged' : 'its image or configuration changed';
        return { service: wanted.service.name, kind: keep ? 'keep' : 'start', reason, instances: 1 };
      }),
    async *apply(target, _lease, signal) {
      deployer.applied.push(target);
      for (const wanted of target.services) {
        const { name: service, replicas } = wanted.service;
        if (current(target, wanted).some(({ named, state }) => named && state === 'running')) continue;
        for (let replica = 1; replica <= replicas; replica++) {
          const instance = start(target, wanted, replica);
          yield { type: 'started', instance };
          const { unhealthy, hang } = deployer.script[service] ?? {};
          if (hang) await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve()));
          signal.throwIfAborted();
          const probe = { at: new Date(), ok: !unhealthy, detail: `GET /health: ${unhealthy ? 503 : 200}` };
          yield { type: 'probed', service, instance: instance.name, probe };
          if (unhealthy) {
            const failure = deployFailure('health_check_failed', `Service ${service} is not healthy.`, service);
            throw new DeployFailed({ ...failure, probes: [probe], logs: ['cannot reach the database'] });
          }
          yield { type: 'healthy', instance };
        }
      }
    },
    async serve(target) {
      for (const each of of(target.environment.id)) {
        const wanted = target.services.find(({ service }) => service.name === each.service);
        each.named = each.hash === wanted?.hash && (each.named || each.deployId === target.deployId);
      }
    },
    observe: async (environmentId) => of(environmentId).map((each) => ({ ...each })),
    async remove(gone) {
      const names = new Set(gone.map(({ name }) => name));
      deployer.removed.push(...names);
      for (const each of instances.filter(({ name }) => names.has(name))) instances.splice(instances.indexOf(each), 1);
    },
    tail: async ({ name }, lines) => [`${name} listens`].slice(-lines),
    async removeEnvironment(environmentId, _options, signal) {
      await deployer.remove(of(environmentId), signal);
    },
    localImage: async (reference) => (deployer.localImages[reference] ? { id: deployer.localImages[reference] } : null),
  };
  return deployer;
}

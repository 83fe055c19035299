import { createHash, randomInt } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { DeployId, EnvironmentId, HttpCheck, RevisionId, Service } from '@eve/domain';
import { DeployFailed, type DeployFailure, defaultUpdate } from '@eve/domain';
import type { Deployer, DeployerEvent, DeployTarget, Halting, Instance, Lease, ServiceTarget } from '../src/index.ts';
import { serviceProgram } from './deployer-programs.ts';

/** The image that the deployer's contract runs: anything with Node in it, as the deployer names it. */
export type ContractImage = Pick<ServiceTarget, 'image' | 'local' | 'digests' | 'login'>;

/** Part of the service of a contract's target; the rest is plain. */
export interface ServiceSketch {
  readonly name: string;
  readonly variables?: Readonly<Record<string, string>>;
  /** Names of the variables that hold a secret. */
  readonly secretNames?: readonly string[];
  readonly more?: Partial<Service>;
  readonly port?: number | null;
  readonly image?: Partial<ContractImage>;
}

export const httpHealth: HttpCheck = {
  path: '/health',
  port: null,
  intervalMs: 1_000,
  timeoutMs: 1_000,
  retries: 1,
  startPeriodMs: 0,
};

export const lease: Lease = { workId: 'work_01k00000000000000000000000', fence: 1 };

/** Text for an id that no other test has. */
function idDigits(): string {
  const digits = '0123456789abcdefghjkmnpqrstvwxyz';
  return `0${Array.from({ length: 25 }, () => digits[randomInt(32)]).join('')}`;
}

/** A place of its own in which revisions follow each other. */
export function contractPlace(image: ContractImage) {
  const environmentId: EnvironmentId = `env_${idDigits()}`;
  const place = `evetest-${idDigits().slice(-10)}`;
  let revisions = 0;
  return {
    environmentId,
    place,
    target(...sketches: readonly ServiceSketch[]): DeployTarget {
      revisions += 1;
      const deployId: DeployId = `dep_${idDigits()}`;
      const revisionId: RevisionId = `rev_${idDigits()}`;
      return {
        deployId,
        environment: { id: environmentId, name: 'test', tenantId: 'org_test', projectId: 'proj_test' },
        place,
        revision: { id: revisionId, number: revisions },
        release: { tag: null, version: null, gitSha: null, builtAt: null, buildNumber: null },
        configVersion: 1,
        services: sketches.map((sketch) => serviceTarget(sketch, image)),
        reusable: [],
      };
    },
  };
}

function serviceTarget(
  { name, variables = {}, secretNames = [], more = {}, port = 3000, image }: ServiceSketch,
  base: ContractImage,
) {
  const service: Service = {
    name,
    image: null,
    build: null,
    command: ['node', '-e', serviceProgram],
    entrypoint: [],
    user: null,
    workingDir: null,
    environment: {},
    ports: port === null ? [] : [{ container: port, published: null, protocol: 'http' }],
    expose: [],
    healthcheck: null,
    probes: { live: null, ready: port === null ? null : httpHealth, startup: null },
    dependsOn: [],
    replicas: 1,
    autoscale: null,
    preStopMs: null,
    ingressHost: null,
    update: defaultUpdate,
    releaseCommand: null,
    resources: { memoryBytes: null, cpus: null },
    stopGracePeriodMs: 5_000,
    restart: 'unless-stopped',
    volumes: [],
    role: port === null ? 'worker' : 'component',
    ...more,
  };
  const hash = createHash('sha256')
    .update(JSON.stringify([service, variables, image?.image ?? base.image]))
    .digest('hex');
  return { service, ...base, ...image, environment: variables, secretNames, hash, port } satisfies ServiceTarget;
}

/** How a deployer exchanges instances, where the contract's test is of those that stop and start them. */
export function halting({ exchange }: Deployer): Halting {
  if (exchange.by !== 'halting') throw new Error('This deployer exchanges instances itself.');
  return exchange;
}

/** Everything that an apply reports. */
export async function applied(
  deployer: Deployer,
  target: DeployTarget,
  holder = lease,
  upTo?: Readonly<Record<string, number>>,
): Promise<DeployerEvent[]> {
  const events: DeployerEvent[] = [];
  for await (const event of deployer.apply(target, holder, new AbortController().signal, upTo)) events.push(event);
  return events;
}

/** Gives the services' names to the running instances that are as the target wants them; answers with all that run. */
export async function served(deployer: Deployer, target: DeployTarget): Promise<Instance[]> {
  const running = (await deployer.observe(target.environment.id)).filter(({ state }) => state === 'running');
  const names = target.services.flatMap(({ service, hash }) =>
    running.filter((each) => each.service === service.name && each.hash === hash).map(({ name }) => name),
  );
  await deployer.serve(target, names, lease, new AbortController().signal);
  return running;
}

/** The failure of an apply that has to fail. */
export async function failureOf(deployer: Deployer, target: DeployTarget): Promise<DeployFailure> {
  try {
    await applied(deployer, target);
  } catch (error) {
    if (error instanceof DeployFailed) return error.failure;
    throw error;
  }
  throw new Error('The deploy succeeded.');
}

/** The running instance of a service that this deploy made, or the only one. */
export async function instanceOf(deployer: Deployer, target: DeployTarget, service: string): Promise<Instance> {
  const instances = await deployer.observe(target.environment.id);
  const running = instances.filter((each) => each.service === service && each.state === 'running');
  const instance = running.find((each) => each.deployId === target.deployId) ?? running[0];
  if (!instance) throw new Error(`No instance of ${service} runs.`);
  return instance;
}

/** What an instance answers on its first port. */
export async function get(instance: Instance, path: string): Promise<string> {
  const { host, port } = instance.ports[0] ?? { host: '', port: 0 };
  const answer = await fetch(`http://${host}:${port}${path}`, { headers: { connection: 'close' } });
  return answer.text();
}

/** Asks until it is so, for half a minute at most. */
export async function until(isSo: () => Promise<boolean | undefined>): Promise<void> {
  for (const end = performance.now() + 30_000; !(await isSo()); await sleep(100))
    if (performance.now() > end) throw new Error(`It has not become so: ${isSo}`);
}

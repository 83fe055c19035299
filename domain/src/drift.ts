import type { DeployId, DriftId, EnvironmentId, OrganisationId, ProjectId, RevisionId } from './id.ts';

export type DriftKind =
  /** Fewer instances than recorded. */
  | 'missing'
  /** There, but not running. */
  | 'stopped'
  /** Runs an image that the release does not name. */
  | 'image'
  /** Runs with other configuration or settings than the revision's. */
  | 'configuration'
  /** Runs, but its service's name does not resolve to it. */
  | 'unreachable'
  /** Serves although no revision has it. */
  | 'extra';

/** One way in which what runs is not what is recorded. */
export interface DriftDifference {
  readonly kind: DriftKind;
  readonly service: string;
  readonly instance: string | null;
  readonly expected: string;
  readonly found: string;
}

/** A time in which an environment was not as its current revision says. */
export interface Drift {
  readonly id: DriftId;
  readonly tenantId: OrganisationId;
  readonly projectId: ProjectId;
  readonly environmentId: EnvironmentId;
  readonly revisionId: RevisionId;
  /** As it was seen last. */
  readonly differences: readonly DriftDifference[];
  readonly detectedAt: Date;
  readonly seenAt: Date;
  readonly clearedAt: Date | null;
  /** The deploy that repairs it, where the environment wants that. */
  readonly repairDeployId: DeployId | null;
}

/** What should run in an environment. */
export interface DriftExpectation {
  readonly services: readonly ExpectedService[];
  /** Deploys of the current revision: what they started is its, however hashes are made today. */
  readonly deploys: readonly DeployId[];
}

export interface ExpectedService {
  readonly name: string;
  readonly replicas: number;
  /** Where the runtime chooses the number: as many as there may be. */
  readonly most?: number;
  readonly hash: string;
  /** Every digest that means its image. */
  readonly digests: readonly string[];
}

/** What a runtime says of an instance, as far as drift goes by it. */
export interface SeenInstance {
  readonly name: string;
  readonly service: string;
  readonly deployId: DeployId;
  readonly hash: string;
  readonly named: boolean;
  readonly state: 'running' | 'exited' | 'restarting';
  readonly digests: readonly string[];
}

/**
 * How what runs differs from what should, in a stable order; empty when it does not. What neither serves nor is this revision's is
 * no difference: it drains, is kept warm, or was left by a revision before.
 */
export function driftOf(
  { services, deploys }: DriftExpectation,
  instances: readonly SeenInstance[],
): DriftDifference[] {
  const ours = new Set<string>(deploys);
  const sorted = [...instances].sort((a, b) => (a.name < b.name ? -1 : 1));
  const known = new Set(services.map(({ name }) => name));
  const strangers = sorted.filter(({ service, named, state }) => !known.has(service) && named && state === 'running');
  return [
    ...services.flatMap((service) =>
      differencesOf(
        service,
        sorted.filter((each) => each.service === service.name),
        ours,
      ),
    ),
    ...strangers.map((each) => extra(each, 'no such service')),
  ];
}

function differencesOf(
  service: ExpectedService,
  instances: readonly SeenInstance[],
  ours: ReadonlySet<string>,
): DriftDifference[] {
  const { name, replicas, digests, hash } = service;
  const isIts = (each: SeenInstance) => each.hash === hash || ours.has(each.deployId);
  const serving = instances.filter(({ named, state }) => named && state === 'running');
  const right = serving.filter(isIts);
  const wrong = serving.filter((each) => !isIts(each));
  const most = Math.max(replicas, service.most ?? 0);
  const differences: DriftDifference[] = right.slice(most).map((each) => extra(each, countOf(most)));

  for (const each of right.slice(0, most)) {
    if (each.digests.some((digest) => digests.includes(digest))) continue;
    const found = each.digests.join(', ') || 'none';
    differences.push(of(service, 'image', { instance: each.name, expected: digests[0] ?? 'none', found }));
  }
  for (const each of wrong) {
    const found = `other settings (${shortHash(each.hash)})`;
    const expected = `the revision's settings (${shortHash(hash)})`;
    differences.push(of(service, 'configuration', { instance: each.name, expected, found }));
  }

  // What is there and of this revision stands for an instance, whatever is wrong with it: each is counted once.
  let lacking = replicas - right.length - wrong.length;
  const idle = instances.filter((each) => isIts(each) && !serving.includes(each));
  const running = idle.filter(({ state }) => state === 'running');
  for (const each of running.slice(0, Math.max(0, lacking))) {
    const expected = `the name ${name} resolves to it`;
    differences.push(of(service, 'unreachable', { instance: each.name, expected, found: 'it does not' }));
    lacking--;
  }
  const stopped = idle.filter(({ state }) => state !== 'running');
  for (const each of stopped.slice(0, Math.max(0, lacking))) {
    differences.push(of(service, 'stopped', { instance: each.name, expected: 'running', found: each.state }));
    lacking--;
  }
  if (lacking > 0)
    differences.push(
      of(service, 'missing', { instance: null, expected: countOf(replicas), found: String(replicas - lacking) }),
    );
  return differences;
}

function of(
  { name }: ExpectedService,
  kind: DriftKind,
  about: Pick<DriftDifference, 'instance' | 'expected' | 'found'>,
): DriftDifference {
  return { kind, service: name, ...about };
}

function extra({ name, service }: SeenInstance, expected: string): DriftDifference {
  return { kind: 'extra', service, instance: name, expected, found: 'serves' };
}

function countOf(replicas: number): string {
  return `${replicas} instance${replicas === 1 ? '' : 's'}`;
}

function shortHash(hash: string): string {
  return hash.slice(0, 12);
}

/** Whether two looks found the same. */
export function sameDifferences(a: readonly DriftDifference[], b: readonly DriftDifference[]): boolean {
  return keyOf(a) === keyOf(b);
}

function keyOf(differences: readonly DriftDifference[]): string {
  return differences
    .map(({ kind, service, instance, expected, found }) => JSON.stringify([kind, service, instance, expected, found]))
    .sort()
    .join('\n');
}

/** `missing: web, 1 of 2 instances` and so on, for people. */
export function differenceInWords({ kind, service, instance, expected, found }: DriftDifference): string {
  if (kind === 'missing') return `${service}: ${found} of ${expected} there`;
  if (kind === 'extra') return `${service}: ${instance} serves, expected ${expected}`;
  if (kind === 'stopped') return `${service}: ${instance} is ${found}`;
  return `${service}: ${instance} has ${kind === 'unreachable' ? `no traffic: ${expected}, ${found}` : `${found}, expected ${expected}`}`;
}

/** A repair of a drift, as far as the next one depends on it. */
export interface RepairTried {
  readonly completedAt: Date | null;
}

const firstRepairWaitMs = 30_000;
const longestRepairWaitMs = 30 * 60_000;

/**
 * When a drift may be repaired (again): at once the first time, then ever later, since what did not help will hardly help soon.
 * Null while a repair is under way.
 */
export function nextRepairAt({ detectedAt }: Pick<Drift, 'detectedAt'>, tried: readonly RepairTried[]): Date | null {
  if (tried.some(({ completedAt }) => completedAt === null)) return null;
  const ends = tried.map(({ completedAt }) => completedAt?.getTime() ?? 0);
  if (ends.length === 0) return detectedAt;
  const wait = Math.min(firstRepairWaitMs * 2 ** (ends.length - 1), longestRepairWaitMs);
  return new Date(Math.max(...ends) + wait);
}

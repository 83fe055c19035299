import { type DeployId, deployableServices, type Environment, type InstanceReport, PlatformError } from '@eve/domain';
import { manifestOf } from '../deploys/manifest-of.ts';
import type { Platform } from '../platform.ts';
import type { Instance, RuntimeLine } from '../ports/deployer.ts';
import type { InstanceLog } from '../ports/stored.ts';
import { unpackedLines } from './archived-lines.ts';
import { instanceLogKey } from './keep-log.ts';
import { revisionsInUse } from './secrets-of-environment.ts';

/** Whose lines are asked for. */
export interface LogFilter {
  readonly service: string | null;
  /** Its name, whole or as `shortInstance` has it. */
  readonly instance: string | null;
  /** The number of the revision that its deploy made. */
  readonly revision: number | null;
  /** Only instances that do not run any more. */
  readonly previous: boolean;
}

/** An instance that printed something, running or gone. */
export interface LogSource {
  readonly service: string;
  readonly instance: string;
  readonly deployId: DeployId;
  /** Asked for once per deploy: an environment may have had very many. */
  revision(): Promise<number | null>;
  readonly state: InstanceReport['state'] | 'gone';
  /** When its last line came; null while more may come. */
  readonly until: Date | null;
  /** Oldest first: from `since` on, and at most the last `tail` where the source can tell them. */
  lines(range: { readonly since?: Date; readonly tail?: number }, signal: AbortSignal): AsyncIterable<RuntimeLine>;
}

type Parts = Pick<Platform, 'store' | 'deployer' | 'blobs' | 'log'>;

/** An instance's name without that of its environment, such as `api-7k2m9xq4wz-1`. */
export function shortInstance({ service, instance }: Pick<LogSource, 'service' | 'instance'>): string {
  const at = instance.lastIndexOf(`-${service}-`);
  return at < 0 ? instance : instance.slice(at + 1);
}

/**
 * What matches, running and gone. Throws `service_not_found`, `revision_not_found` or `request_invalid` naming what there is, when
 * a name matches nothing that there ever was.
 */
export async function logSources(
  platform: Parts,
  environment: Environment,
  filter: LogFilter,
  since: Date | null,
): Promise<LogSource[]> {
  const running = await platform.deployer.observe(environment.id);
  // Unknown names are told from silent ones by all that there is, so time does not limit what is looked at here.
  const archived = await platform.store.instanceLogs.list(environment.tenantId, environment.id, {});
  // Kept already and not yet removed: the instance itself has the same lines, and may have more.
  const there = new Set(running.map((each) => instanceLogKey(environment, each)));
  const gone = archived.filter(({ key }) => !there.has(key));
  const revisionOf = revisionNumbers(platform, environment);
  const all = [
    ...running.map((each) => runningSource(platform, each, revisionOf)),
    ...gone.map((each) => goneSource(platform, each, revisionOf)),
  ];
  await refuseUnknown(platform, environment, filter, all);
  const matching: LogSource[] = [];
  for (const source of all) {
    if (since && source.until && source.until < since) continue;
    if (await matches(source, filter)) matching.push(source);
  }
  return matching;
}

/** Whether lines of a source are asked for. */
export async function matches(
  source: LogSource,
  { service, instance, revision, previous }: LogFilter,
): Promise<boolean> {
  return (
    (service === null || source.service === service) &&
    (instance === null || source.instance === instance || shortInstance(source) === instance) &&
    !(previous && (source.state === 'running' || source.state === 'restarting')) &&
    (revision === null || (await source.revision()) === revision)
  );
}

/** An instance that the runtime has. */
export function runningSource(
  { deployer }: Pick<Platform, 'deployer'>,
  instance: Instance,
  revisionOf: RevisionOf,
): LogSource {
  const { name, service, deployId, state } = instance;
  return {
    ...{ service, instance: name, deployId, state, until: null },
    revision: () => revisionOf(deployId),
    lines: (range, signal) => deployer.logs({ name }, range, signal),
  };
}

function goneSource({ blobs, log }: Parts, archived: InstanceLog, revisionOf: RevisionOf): LogSource {
  const { service, instance, deployId, to, key } = archived;
  return {
    ...{ service, instance, deployId, state: 'gone' as const, until: to },
    revision: () => revisionOf(deployId),
    async *lines({ since }) {
      try {
        const bytes = await blobs.get(key);
        if (!bytes) return;
        for await (const line of unpackedLines(bytes)) if (!since || line.at >= since) yield line;
      } catch (error) {
        log.warn(
          { key, error: error instanceof Error ? error.message : String(error) },
          'a kept log could not be read',
        );
        yield { at: to, stream: 'stderr', text: 'The rest of what this instance printed could not be read.' };
      }
    },
  };
}

type RevisionOf = (deployId: DeployId) => Promise<number | null>;

/** The numbers of the revisions that deploys made, each asked for once. */
export function revisionNumbers({ store }: Pick<Platform, 'store'>, { tenantId }: Environment): RevisionOf {
  const known = new Map<DeployId, Promise<number | null>>();
  const find = async (deployId: DeployId) => {
    try {
      const { revisionId } = await store.deploys.get(tenantId, deployId);
      return (await store.revisions.get(tenantId, revisionId)).number;
    } catch (error) {
      if (error instanceof PlatformError && error.kind === 'not_found') return null;
      throw error;
    }
  };
  return (deployId) => {
    const found = known.get(deployId) ?? find(deployId);
    known.set(deployId, found);
    return found;
  };
}

async function refuseUnknown(
  platform: Parts,
  environment: Environment,
  { service, instance, revision }: LogFilter,
  all: readonly LogSource[],
): Promise<void> {
  const { name } = environment;
  if (service !== null && !all.some((each) => each.service === service)) {
    const names = new Set([...(await releasedServices(platform, environment)), ...all.map((each) => each.service)]);
    if (!names.has(service)) {
      const known = names.size > 0 ? `it has: ${[...names].join(', ')}` : 'nothing was deployed there yet';
      throw new PlatformError('service_not_found', `Environment ${name} has no service "${service}"; ${known}.`);
    }
  }
  const ofService = all.filter((each) => service === null || each.service === service);
  if (revision !== null) {
    const numbers = new Set<number>();
    for (const each of ofService) numbers.add((await each.revision()) ?? revision);
    if (!numbers.has(revision)) {
      const known =
        numbers.size > 0
          ? `there are lines of: ${listed([...numbers].sort((one, other) => one - other))}`
          : 'there are none';
      throw new PlatformError('revision_not_found', `No lines of revision ${name}#${revision} are kept; ${known}.`);
    }
  }
  if (instance !== null && !ofService.some((each) => each.instance === instance || shortInstance(each) === instance)) {
    const names = [...new Set(ofService.map(shortInstance))];
    const known = names.length > 0 ? `there are lines of: ${listed(names)}` : 'there are none';
    throw new PlatformError('request_invalid', `No lines of an instance "${instance}" are kept in ${name}; ${known}.`, {
      details: [{ path: 'instance', message: 'There is no such instance.' }],
    });
  }
}

async function releasedServices({ store }: Pick<Platform, 'store'>, environment: Environment): Promise<Set<string>> {
  const names = new Set<string>();
  for (const id of await revisionsInUse({ store }, environment)) {
    const { releaseId } = await store.revisions.get(environment.tenantId, id);
    const manifest = await manifestOf({ store }, await store.releases.get(environment.tenantId, releaseId));
    for (const service of deployableServices(manifest)) names.add(service.name);
  }
  return names;
}

function listed(names: readonly (string | number)[]): string {
  return `${names.slice(-10).join(', ')}${names.length > 10 ? ' and older ones' : ''}`;
}

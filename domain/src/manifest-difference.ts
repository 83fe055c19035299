import { type BuildDifference, valueDifferences } from './build-difference.ts';
import type { Autoscale, CommandCheck, HttpCheck, Manifest, Service } from './manifest.ts';

/** One thing in a manifest that is not as it was. Null: it was not there, or is not there any more. */
export interface ManifestDifference {
  /** Null for what belongs to no service. */
  readonly service: string | null;
  /** Such as `image`, `environment.GREETING`, `ports`, `replicas`, `ready check`. */
  readonly what: string;
  readonly before: string | null;
  readonly after: string | null;
}

/** What differs between two manifests, in words that people read: per service, then the rest. */
export function manifestDifferences(then: Manifest, now: Manifest): readonly ManifestDifference[] {
  const names = [...new Set([...Object.keys(then.services), ...Object.keys(now.services)])].sort();
  const services = names.flatMap((service): ManifestDifference[] => {
    const [before, after] = [then.services[service], now.services[service]];
    if (!before || !after) {
      return [
        { service, what: 'service', before: before ? wordsOf(before) : null, after: after ? wordsOf(after) : null },
      ];
    }
    return valueDifferences('', readable(before), readable(after)).map((each) => ({ service, ...each }));
  });
  const rest = ({ registry, environments, pipelines, strategy }: Manifest) => ({
    registry,
    strategy,
    environments,
    pipelines,
  });
  const others: readonly BuildDifference[] = valueDifferences('', rest(then), rest(now));
  return [...services, ...others.map((each) => ({ service: null, ...each }))];
}

/** Texts side by side; nothing of none. */
function listOf(texts: readonly string[]): string | null {
  return texts.length === 0 ? null : texts.join(', ');
}

/** A service that came or went, in a word. */
function wordsOf({ image, build, role }: Service): string {
  return `${role}, ${build ? `built from ${build.context}` : (image ?? 'no image')}`;
}

function readable(service: Service): Record<string, unknown> {
  const { image, build, command, entrypoint, user, environment, ports, expose, replicas, resources, restart } = service;
  return {
    image,
    build: build && { ...build, timeoutMs: undefined, timeout: shownMs(build.timeoutMs) },
    command: shownCommand(command),
    entrypoint: shownCommand(entrypoint),
    user,
    'working directory': service.workingDir,
    environment,
    ports: listOf(
      ports.map(
        ({ container, published, protocol }) => `${published === null ? '' : `${published}:`}${container}/${protocol}`,
      ),
    ),
    expose: listOf(expose.map(String)),
    replicas,
    'health check': service.healthcheck && shownCommandCheck(service.healthcheck),
    'live check': shownHttpCheck(service.probes.live),
    'ready check': shownHttpCheck(service.probes.ready),
    'startup check': shownHttpCheck(service.probes.startup),
    'depends on': listOf(service.dependsOn.map((on) => `${on.service} (${on.condition})`)),
    update: {
      parallelism: service.update.parallelism,
      delay: shownMs(service.update.delayMs),
      order: service.update.order,
      'failure action': service.update.failureAction,
      monitor: shownMs(service.update.monitorMs),
    },
    'release command':
      service.releaseCommand &&
      `${shownCommand(service.releaseCommand.command)} (timeout ${shownMs(service.releaseCommand.timeoutMs)})`,
    memory: resources.memoryBytes === null ? null : `${resources.memoryBytes / 1_048_576} MiB`,
    cpus: resources.cpus,
    autoscale: service.autoscale && shownScale(service.autoscale),
    host: service.ingressHost,
    'pre-stop': shownMs(service.preStopMs),
    'stop grace period': shownMs(service.stopGracePeriodMs),
    restart,
    volumes: listOf(service.volumes.map(({ name, path, readOnly }) => `${name}:${path}${readOnly ? ':ro' : ''}`)),
    role: service.role,
  };
}

function shownScale({ min, max, cpuPercent, memoryPercent }: Autoscale): string {
  const at = [cpuPercent && `${cpuPercent} % cpu`, memoryPercent && `${memoryPercent} % memory`].filter(Boolean);
  return `${min} to ${max} at ${at.join(' or ')}`;
}

function shownCommand(words: readonly string[] | null): string | null {
  return words?.map((word) => (/^[\w./:=@,+-]+$/.test(word) ? word : JSON.stringify(word))).join(' ') ?? null;
}

function shownCommandCheck({ test, ...times }: CommandCheck): string {
  return `${shownCommand(test.command)} ${shownTimes(times)}`;
}

function shownHttpCheck(check: HttpCheck | null): string | null {
  return check && `GET ${check.path}${check.port === null ? '' : ` on ${check.port}`} ${shownTimes(check)}`;
}

function shownTimes(check: Pick<HttpCheck, 'intervalMs' | 'timeoutMs' | 'retries' | 'startPeriodMs'>): string {
  const start = check.startPeriodMs > 0 ? `, start period ${shownMs(check.startPeriodMs)}` : '';
  return `every ${shownMs(check.intervalMs)}, timeout ${shownMs(check.timeoutMs)}, ${check.retries} retries${start}`;
}

function shownMs(ms: number | null): string | null {
  if (ms === null) return null;
  return ms % 1000 === 0 ? `${ms / 1000}s` : `${ms}ms`;
}

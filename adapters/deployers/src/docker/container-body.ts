import type { CommandCheck, Service } from '@eve/domain';
import type { DeployTarget, Lease, ServiceTarget } from '@eve/operations';
import { label } from './found.ts';

const nanosecondsPerMs = 1_000_000;

/** What is chosen for one container beside what its service says. */
export interface Placement {
  readonly replica: number;
  readonly slot: number;
  /** Pairs of container port and loopback port. */
  readonly ports: readonly (readonly [number, number])[];
}

/** The whole of what the engine is asked to create for an instance, as a value a test can read. */
export function containerBody(
  target: DeployTarget,
  { service, image, environment, hash, port }: ServiceTarget,
  { replica, slot, ports }: Placement,
  { installation, lease }: { readonly installation: string; readonly lease: Lease },
): Readonly<Record<string, unknown>> {
  const variables = { ...(port !== null && { PORT: String(port) }), ...environment };
  const { memoryBytes, cpus } = service.resources;
  return {
    Image: image,
    Env: Object.entries(variables).map(([name, value]) => `${name}=${value}`),
    ...(service.command && { Cmd: service.command }),
    ...(service.entrypoint && { Entrypoint: service.entrypoint }),
    ...(service.user !== null && { User: service.user }),
    ...(service.workingDir !== null && { WorkingDir: service.workingDir }),
    ...(service.healthcheck && { Healthcheck: engineHealthcheck(service.healthcheck) }),
    StopTimeout: Math.ceil(service.stopGracePeriodMs / 1000),
    ExposedPorts: Object.fromEntries(ports.map(([container]) => [`${container}/tcp`, {}])),
    Labels: {
      ...environmentLabels(target, installation),
      [label.role]: 'instance',
      [label.deploy]: target.deployId,
      [label.revision]: target.revision.id,
      [label.revisionNumber]: String(target.revision.number),
      [label.service]: service.name,
      [label.hash]: hash,
      [label.replica]: String(replica),
      [label.slot]: String(slot),
      [label.ports]: ports.map(([container, host]) => `${container}=${host}`).join(','),
      [label.work]: lease.workId,
      [label.fence]: String(lease.fence),
    },
    HostConfig: {
      NetworkMode: target.place,
      PortBindings: Object.fromEntries(
        ports.map(([container, host]) => [`${container}/tcp`, [{ HostIp: '127.0.0.1', HostPort: String(host) }]]),
      ),
      // `always` would bring one that we halted back with the engine's next start.
      RestartPolicy: { Name: service.restart === 'always' ? 'unless-stopped' : service.restart },
      Init: true,
      LogConfig: { Type: 'json-file', Config: { 'max-size': '20m', 'max-file': '3' } },
      Mounts: service.volumes.map(({ name, path, readOnly }) => ({
        Type: 'volume',
        Source: volumeName(target.place, name),
        Target: path,
        ReadOnly: readOnly,
      })),
      // Without a swap of its own: what is over the limit is ended, not slowed down.
      ...(memoryBytes !== null && { Memory: memoryBytes, MemorySwap: memoryBytes }),
      ...(cpus !== null && { NanoCpus: Math.round(cpus * 1e9) }),
    },
  };
}

/** What tells whose a network, volume or container is. */
export function environmentLabels(
  { environment, place }: Pick<DeployTarget, 'environment' | 'place'>,
  installation: string,
): Record<string, string> {
  return {
    [label.installation]: installation,
    [label.tenant]: environment.tenantId,
    [label.project]: environment.projectId,
    [label.environment]: environment.id,
    [label.place]: place,
  };
}

export function volumeName(place: string, volume: string): string {
  return `${place}--${volume}`;
}

/** Every port that is published on loopback: what is routed, and what is asked whether it is healthy. */
export function publishedPorts({ service, port }: Pick<ServiceTarget, 'service' | 'port'>): number[] {
  const { live, ready, startup } = service.probes;
  const probed = [live, ready, startup].flatMap((probe) => probe?.port ?? []);
  return [...new Set([...(port === null ? [] : [port]), ...service.ports.map((each) => each.container), ...probed])];
}

/** Whether two instances of a service at once would write to one volume. */
export function hasWritableVolume(service: Service): boolean {
  return service.volumes.some((volume) => !volume.readOnly);
}

function engineHealthcheck({ test, intervalMs, timeoutMs, retries, startPeriodMs }: CommandCheck): object {
  return {
    Test: [test.shell ? 'CMD-SHELL' : 'CMD', ...test.command],
    Interval: intervalMs * nanosecondsPerMs,
    Timeout: timeoutMs * nanosecondsPerMs,
    StartPeriod: startPeriodMs * nanosecondsPerMs,
    Retries: retries,
  };
}

import { annotation, type Container, label, type PodSpec, type PodTemplate, type Slot } from '@eve/adapter-kubernetes';
import type { Service } from '@eve/domain';
import type { DeployTarget, ServiceTarget } from '@eve/operations';
import { configNames } from './config-objects.ts';
import { mainContainer } from './instance.ts';
import { accountName, environmentLabels, loginsSecret } from './namespace-objects.ts';
import { podProbes } from './pod-probes.ts';
import { claimName } from './volume-claim.ts';

/** How long an instance with a port still takes requests after it was told to stop: until then some are on their way to it. */
const preStopSeconds = 3;
const hashDigits = 40;

/** What a root of an image commonly needs, and Pod Security "baseline" allows. */
const rootCapabilities = ['CHOWN', 'DAC_OVERRIDE', 'FOWNER', 'KILL', 'NET_BIND_SERVICE', 'SETGID', 'SETUID'];

export interface TemplateSettings {
  readonly installation: string;
  readonly slot: Slot;
  readonly ownRegistryHost: string | null;
}

/** The whole of what the cluster is asked to make for one instance, as a value a test can read. */
export function podTemplate(target: DeployTarget, wanted: ServiceTarget, settings: TemplateSettings): PodTemplate {
  const { service, hash, login } = wanted;
  return {
    metadata: {
      labels: { ...serviceLabels(target, service.name, settings), [label.hash]: hash.slice(0, hashDigits) },
      annotations: {
        [annotation.hash]: hash,
        [annotation.deploy]: target.deployId,
        [annotation.revision]: String(target.revision.number),
      },
    },
    spec: {
      serviceAccountName: accountName,
      automountServiceAccountToken: false,
      // Variables for every Service of the namespace are surprises: `WEB_PORT` would be `tcp://…`.
      enableServiceLinks: false,
      ...(login && login.host !== settings.ownRegistryHost && { imagePullSecrets: [{ name: loginsSecret }] }),
      terminationGracePeriodSeconds: graceSeconds(wanted),
      securityContext: podSecurity(service),
      containers: [container(target, wanted)],
      ...(service.volumes.length > 0 && {
        volumes: service.volumes.map(({ name, readOnly }) => ({
          name: claimName(name),
          persistentVolumeClaim: { claimName: claimName(name), ...(readOnly && { readOnly }) },
        })),
      }),
    },
  };
}

/** How long an instance may take to stop, whatever it does in that time. */
export function graceSeconds(wanted: Pick<ServiceTarget, 'service' | 'port'>): number {
  return Math.ceil(wanted.service.stopGracePeriodMs / 1000) + preStopOf(wanted);
}

/** Whose a service's Deployment and pods are. */
export function serviceLabels(
  target: Pick<DeployTarget, 'environment'>,
  service: string,
  { installation, slot }: Pick<TemplateSettings, 'installation' | 'slot'>,
): Record<string, string> {
  return {
    ...environmentLabels(target, installation),
    [label.name]: service,
    [label.service]: service,
    [label.slot]: slot,
  };
}

/** Every port of a container: what is routed first, then what is asked whether it is healthy. */
export function containerPorts({ service, port }: Pick<ServiceTarget, 'service' | 'port'>): number[] {
  const { live, ready, startup } = service.probes;
  const probed = [live, ready, startup].flatMap((probe) => probe?.port ?? []);
  return [...new Set([...servicePorts({ service, port }), ...probed])];
}

/** The ports that others reach a service at, its own first. */
export function servicePorts({ service, port }: Pick<ServiceTarget, 'service' | 'port'>): number[] {
  const routed = service.ports.map(({ container }) => container);
  return [...new Set([...(port === null ? [] : [port]), ...routed, ...service.expose])];
}

function container(target: DeployTarget, wanted: ServiceTarget): Container {
  const { service, image, local } = wanted;
  const config = configNames(target, wanted);
  const stopSeconds = preStopOf(wanted);
  return {
    name: mainContainer,
    image,
    imagePullPolicy: local ? 'Never' : 'IfNotPresent',
    ...programOf(service),
    ...(service.workingDir !== null && { workingDir: service.workingDir }),
    envFrom: [
      { configMapRef: { name: config.plain } },
      ...(wanted.secretNames.length > 0 ? [{ secretRef: { name: config.secret } }] : []),
    ],
    ports: containerPorts(wanted).map((containerPort) => ({ containerPort, protocol: 'TCP' as const })),
    ...podProbes(wanted),
    ...(stopSeconds > 0 && { lifecycle: { preStop: { sleep: { seconds: stopSeconds } } } }),
    ...resourcesOf(service),
    ...(service.volumes.length > 0 && {
      volumeMounts: service.volumes.map(({ name, path, readOnly }) => ({
        name: claimName(name),
        mountPath: path,
        ...(readOnly && { readOnly }),
      })),
    }),
    securityContext: {
      allowPrivilegeEscalation: false,
      capabilities: isNumericUser(service) ? { drop: ['ALL'] } : { drop: ['ALL'], add: rootCapabilities },
    },
  };
}

/** An entrypoint replaces the image's, as `command` does; without one the image's stays, and takes the command as arguments. */
function programOf({ entrypoint, command }: Service): Pick<Container, 'command' | 'args'> {
  const literal = (words: readonly string[]) => words.map((word) => word.replaceAll('$', '$$$$'));
  if (entrypoint !== null) return { command: literal([...entrypoint, ...(command ?? [])]) };
  return command === null ? {} : { args: literal(command) };
}

function resourcesOf({ resources: { memoryBytes, cpus } }: Service): Pick<Container, 'resources'> {
  const limits = {
    ...(memoryBytes !== null && { memory: String(memoryBytes) }),
    ...(cpus !== null && { cpu: `${Math.round(cpus * 1000)}m` }),
  };
  return Object.keys(limits).length === 0 ? {} : { resources: { limits, requests: limits } };
}

/** Whether the service says which user it is, by number and other than root: then it needs no rights at all. */
function isNumericUser({ user }: Service): boolean {
  return /^[1-9]\d*(:\d+)?$/.test(user ?? '');
}

function podSecurity(service: Service): PodSpec['securityContext'] {
  const [user, group] = (service.user ?? '').split(':').map((part) => (part === '' ? undefined : Number(part)));
  const writes = service.volumes.some(({ readOnly }) => !readOnly);
  return {
    seccompProfile: { type: 'RuntimeDefault' },
    ...(isNumericUser(service) && { runAsNonRoot: true }),
    ...(user !== undefined && { runAsUser: user }),
    ...(group !== undefined && { runAsGroup: group }),
    // Else only root could write to a new volume.
    ...(writes && user && { fsGroup: group ?? user, fsGroupChangePolicy: 'OnRootMismatch' as const }),
  };
}

function preStopOf({ service, port }: Pick<ServiceTarget, 'service' | 'port'>): number {
  if (service.preStopMs !== null) return Math.ceil(service.preStopMs / 1000);
  return port === null ? 0 : preStopSeconds;
}

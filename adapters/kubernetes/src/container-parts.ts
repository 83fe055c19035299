import type { Container, PodSpec } from './pod-spec.ts';

/** What a root of an image commonly needs, and Pod Security "baseline" allows. */
const rootCapabilities = ['CHOWN', 'DAC_OVERRIDE', 'FOWNER', 'KILL', 'NET_BIND_SERVICE', 'SETGID', 'SETUID'];

/** Names that mean the same number in every image; the cluster knows no others. */
const wellKnown: Readonly<Record<string, number>> = { root: 0, nobody: 65_534 };

export interface NumericUser {
  /** Undefined: the image's own. */
  readonly user?: number;
  readonly group?: number;
}

/** A user as a cluster takes it, `user` or `user:group`; null for a name that only the image could explain. */
export function numericUser(text: string | null | undefined): NumericUser | null {
  if (!text) return {};
  const numbers = text.split(':').map((part) => (/^\d{1,9}$/.test(part) ? Number(part) : wellKnown[part]));
  const [user, group] = numbers;
  if (user === undefined || numbers.length > 2 || (numbers.length === 2 && group === undefined)) return null;
  return { user, ...(group !== undefined && { group }) };
}

/** An entrypoint replaces the image's, as `command` does; without one the image's stays, and takes the command as arguments. */
export function programOf({
  entrypoint,
  command,
}: {
  readonly entrypoint?: readonly string[] | null;
  readonly command: readonly string[] | null;
}): Pick<Container, 'command' | 'args'> {
  if (entrypoint) return { command: [...entrypoint, ...(command ?? [])].map(literal) };
  return command === null ? {} : { args: command.map(literal) };
}

/** In an argument of a container `$(NAME)` would be a variable, and two signs stand for one. */
export function literal(argument: string): string {
  return argument.replaceAll('$', '$$$$');
}

/** Requests and limits are the same, so that everybody gets what they may use. */
export function resourcesOf({
  memoryBytes,
  cpus,
}: {
  readonly memoryBytes: number | null;
  readonly cpus: number | null;
}): Pick<Container, 'resources'> {
  const limits = {
    ...(memoryBytes !== null && { memory: String(memoryBytes) }),
    ...(cpus !== null && { cpu: `${Math.max(1, Math.round(cpus * 1000))}m` }),
  };
  return Object.keys(limits).length === 0 ? {} : { resources: { limits, requests: limits } };
}

/** As little as the user can do with: Pod Security "restricted" for one who is not root, else "baseline". */
export function securityOf({ user, group }: NumericUser): {
  readonly pod: NonNullable<PodSpec['securityContext']>;
  readonly container: NonNullable<Container['securityContext']>;
} {
  const isSomebody = user !== undefined && user > 0;
  return {
    pod: {
      seccompProfile: { type: 'RuntimeDefault' },
      ...(isSomebody && { runAsNonRoot: true }),
      ...(user !== undefined && { runAsUser: user }),
      ...(group !== undefined && { runAsGroup: group }),
    },
    container: {
      allowPrivilegeEscalation: false,
      capabilities: isSomebody ? { drop: ['ALL'] } : { drop: ['ALL'], add: rootCapabilities },
    },
  };
}

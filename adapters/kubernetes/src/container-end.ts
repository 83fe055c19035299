import type { ContainerState, Pod } from './pod-spec.ts';
import type { Event } from './shapes.ts';

export type ContainerEnd = NonNullable<ContainerState['terminated']>;

/**
 * Whether it was the kernel that ended a container, for want of memory. Some runtimes only say that it was killed: with a
 * limit, and nobody else who would have killed it, that is the same.
 */
export function ranOutOfMemory(pod: Pod, container: string, ended: ContainerEnd, events: readonly Event[]): boolean {
  if (ended.reason === 'OOMKilled') return true;
  const limit = pod.spec.containers.find(({ name }) => name === container)?.resources?.limits?.memory;
  if (ended.exitCode !== 137 || ended.reason !== 'Error' || !limit || pod.metadata.deletionTimestamp) return false;
  return pod.status?.reason === undefined && !events.some(({ reason }) => reason === 'Killing');
}

/** The words of a container runtime that found no program which it could run; null where one ran. */
export function startError({ reason, exitCode, message }: ContainerEnd): string | null {
  const never = reason === 'StartError' || reason === 'ContainerCannotRun' || (exitCode === 128 && reason === 'Error');
  return never ? startWords(message ?? '') : null;
}

/** What a runtime said of a program that it could not start, without what each layer above it put before. */
export function startWords(message: string): string {
  return message.replace(/^.*(unable to start container process|create failed): /s, '') || 'it could not be started';
}

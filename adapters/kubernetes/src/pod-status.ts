import type { ContainerStatus, Pod } from './pod-spec.ts';

/** What is known of one container of a pod, be it one that initialises. */
export function containerStatus(pod: Pod | null, container: string): ContainerStatus | undefined {
  const { containerStatuses = [], initContainerStatuses = [] } = pod?.status ?? {};
  return [...containerStatuses, ...initContainerStatuses].find(({ name }) => name === container);
}

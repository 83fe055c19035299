import type { Service } from '@eve/domain';
import { writesVolume } from '@eve/operations';

/** Ends of names that Eve gives to what it makes of a service. */
const ends = ['-blue', '-green', '-public'];

/** What Kubernetes cannot do of these services, by name. */
export function unsupported(services: readonly Service[]): string[] {
  const names = new Set(services.map(({ name }) => name));
  return services.flatMap((service) => {
    const at = `services.${service.name}`;
    const { autoscale, command, entrypoint, replicas, resources, user } = service;
    const base = ends.flatMap((end) => (service.name.endsWith(end) ? [service.name.slice(0, -end.length)] : []));
    const most = autoscale?.max ?? replicas;
    return [
      ...(/^[a-z]([a-z0-9-]*[a-z0-9])?$/.test(service.name)
        ? []
        : [`${at}: a name in a cluster begins with a letter and holds letters, digits and dashes only`]),
      ...base.filter((name) => names.has(name)).map((name) => `${at}: the name belongs to what is made of ${name}`),
      ...(most > 1 && writesVolume(service)
        ? [`${at}.deploy.replicas: more than one instance cannot write to one volume`]
        : []),
      ...(user === null || /^\d+(:\d+)?$/.test(user) ? [] : [`${at}.user: ${user} is a name; a cluster takes numbers`]),
      ...(entrypoint?.length === 0 && (command ?? []).length === 0 ? [`${at}.entrypoint: nothing is left to run`] : []),
      ...(autoscale?.cpuPercent && resources.cpus === null
        ? [`${at}: autoscaling by CPU is a percentage of deploy.resources.limits.cpus, which it does not have`]
        : []),
      ...(autoscale?.memoryPercent && resources.memoryBytes === null
        ? [`${at}: autoscaling by memory is a percentage of deploy.resources.limits.memory, which it does not have`]
        : []),
    ];
  });
}

import type { RegistrySetting } from '@eve/domain';
import { disagree, type Field, fail, warn } from './field.ts';
import { nearestOf } from './nearest.ts';
import type { PlacedEnvironment } from './read-environments.ts';
import type { PlacedPipeline } from './read-pipelines.ts';
import type { PlacedService } from './read-service.ts';

/** All that was read, with its places. */
export interface PlacedManifest {
  readonly registry: RegistrySetting;
  readonly services: readonly PlacedService[];
  readonly environments: readonly PlacedEnvironment[];
  readonly pipelines: readonly PlacedPipeline[];
  /** Null when the manifest declares no volumes at all. */
  readonly volumes: readonly string[] | null;
}

/** What is well formed by itself but does not fit together. */
export function checkCoherence(manifest: PlacedManifest): void {
  checkServices(manifest);
  for (const pipeline of manifest.pipelines) checkPipeline(pipeline, manifest.environments);
  const services = manifest.services.map(({ service }) => service.name);
  const pipelines = manifest.pipelines.map(({ name }) => name);
  for (const { setting, pipelineAt, overrides } of manifest.environments) {
    if (setting.pipeline !== null && pipelineAt && !pipelines.includes(setting.pipeline)) {
      fail(pipelineAt, unknown('pipeline', setting.pipeline, pipelines));
    }
    for (const { service, at } of overrides) {
      if (!services.includes(service)) fail(at, unknown('service', service, services));
    }
  }
}

function checkServices({ services, registry, volumes }: PlacedManifest): void {
  const names = services.map(({ service }) => service.name);
  const labels = new Map<string, string>();
  for (const { service, at, dependencies, volumes: mounts } of services) {
    for (const { on, at: place } of dependencies) {
      if (!names.includes(on.service)) fail(place, unknown('service', on.service, names));
    }
    if (service.build && !service.image && registry.mode === 'none') {
      disagree(
        at,
        `Service \`${service.name}\` has \`build\` but no \`image\`, and with \`registry: none\` no name is derived; add \`image\`.`,
      );
    }
    for (const mount of mounts) {
      if (!volumes?.includes(mount.name))
        warn(mount.at, `The volume \`${mount.name}\` is not declared; add it under \`volumes\` at the top.`);
    }
    const label = service.name.replaceAll('_', '-');
    const other = labels.get(label);
    if (other) fail(at, `The services \`${other}\` and \`${service.name}\` would have the same host name; rename one.`);
    labels.set(label, service.name);
  }
  const edges = new Map(
    services.map(({ service, dependencies }) => [service.name, dependencies.map(({ on }) => on.service)]),
  );
  reportCycle('Services', edges, new Map(services.map(({ service, at }) => [service.name, at])));
}

function checkPipeline({ steps }: PlacedPipeline, environments: readonly PlacedEnvironment[]): void {
  const names = steps.map(({ step }) => step.name);
  const known = environments.map(({ setting }) => setting.name);
  for (const [index, { step, at, dependencies, envAt }] of steps.entries()) {
    if (names.indexOf(step.name) < index) fail(at, `Two steps are named \`${step.name}\`; rename one.`);
    for (const { name, at: place } of dependencies) {
      if (!names.includes(name)) fail(place, unknown('step', name, names));
    }
    if (envAt && step.envName !== null && known.length > 0 && !known.includes(step.envName)) {
      warn(envAt, unknown('environment', step.envName, known));
    }
  }
  const deploy = steps.find(({ step }) => step.action === 'deploy');
  if (deploy && !steps.some(({ step }) => step.action !== 'deploy')) {
    warn(
      deploy.at,
      `Nothing before \`${deploy.step.name}\` builds or releases; this pipeline only deploys a release that is given.`,
    );
  }
  const edges = new Map(steps.map(({ step }) => [step.name, [...step.dependsOn]]));
  reportCycle('Steps', edges, new Map(steps.map(({ step, at }) => [step.name, at])));
}

function unknown(kind: string, name: string, known: readonly string[]): string {
  const nearest = nearestOf(name, known);
  if (nearest) return `There is no ${kind} \`${name}\`; did you mean \`${nearest}\`?`;
  return `There is no ${kind} \`${name}\`; ${known.length === 0 ? 'the manifest has none' : `the manifest has ${known.slice(0, 10).join(', ')}${known.length > 10 ? ', …' : ''}`}.`;
}

/** Reports one cycle by its names in order, at the place of its first member. */
function reportCycle(
  what: string,
  edges: ReadonlyMap<string, readonly string[]>,
  places: ReadonlyMap<string, Field>,
): void {
  const done = new Set<string>();
  for (const start of edges.keys()) {
    const cycle = cycleFrom(start, edges, done);
    const place = cycle?.[0] === undefined ? undefined : places.get(cycle[0]);
    if (!cycle || !place) continue;
    fail(
      place,
      `${what} depend on each other in a circle: ${[...cycle, cycle[0]].join(' → ')}. Remove one of these dependencies.`,
    );
    return;
  }
}

/** A walk with its own stack, so that a long chain does not exhaust the machine's. */
function cycleFrom(start: string, edges: ReadonlyMap<string, readonly string[]>, done: Set<string>): string[] | null {
  const path: string[] = [];
  const waiting: { name: string; leave: boolean }[] = [{ name: start, leave: false }];
  for (let next = waiting.pop(); next; next = waiting.pop()) {
    const { name, leave } = next;
    if (leave) {
      path.pop();
      done.add(name);
    } else if (path.includes(name)) return path.slice(path.indexOf(name));
    else if (!done.has(name)) {
      path.push(name);
      waiting.push({ name, leave: true });
      for (const other of edges.get(name) ?? []) if (edges.has(other)) waiting.push({ name: other, leave: false });
    }
  }
  return null;
}

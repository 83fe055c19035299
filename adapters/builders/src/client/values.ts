import { isInsecureRegistry } from '@eve/domain';
import type { BuilderCapabilities, CacheLocation, ImageBuildPlan } from '@eve/operations';
import type { ResolvedPlan } from './plan.ts';
import { type Scratch, secretFile } from './scratch.ts';

/** What both clients of BuildKit are told beside the plan. */
export interface BuildTarget {
  readonly capabilities: BuilderCapabilities;
  /** Registries that are spoken to without verified TLS, besides those that always are; `*` is all. */
  readonly insecureHosts: readonly string[];
  /** The control group of the build's steps, below that of its daemon; null where the engine keeps none. */
  readonly group: string | null;
}

/**
 * The build arguments in a fixed order, so that equal plans give equal arguments. The commit's time is one only where the
 * Dockerfile asks for it: as an argument it is in the cache key of every WORKDIR, and each commit would build anew.
 */
export function buildArgs(plan: ResolvedPlan, { group }: BuildTarget): string[] {
  return sorted({
    ...(group === null ? plan.args : withoutProxies(plan.args)),
    ...(plan.sourceDateEpoch !== null && plan.declaresEpoch && { SOURCE_DATE_EPOCH: String(plan.sourceDateEpoch) }),
    ...(group !== null && groupArgument(plan.args, group)),
  });
}

export function labels(plan: ResolvedPlan): string[] {
  return sorted(plan.labels);
}

/** The values of `--secret`, which are lines of CSV. */
export function secrets(plan: ResolvedPlan, scratch: Pick<Scratch, 'secretsDir'>): string[] {
  return plan.secrets.map(({ id }, index) => line([`id=${id}`, `src=${secretFile(scratch, index)}`]));
}

/** The value of `--output`; null keeps the layers in the cache only. */
export function output(plan: ResolvedPlan, { capabilities, insecureHosts }: BuildTarget): string | null {
  if (plan.output === 'none') return null;
  const named = plan.output === 'push' ? plan.tags : plan.tags.slice(0, 1).map(withoutTag);
  return line([
    'type=image',
    `name=${named.join(',')}`,
    'push=true',
    ...(plan.output === 'push-by-digest' ? ['push-by-digest=true', 'name-canonical=true'] : []),
    ...(plan.sourceDateEpoch !== null && capabilities.rewriteTimestamps
      ? [`source-date-epoch=${plan.sourceDateEpoch}`, 'rewrite-timestamp=true']
      : []),
    ...(named.some((tag) => isInsecureRegistry(hostOf(tag), insecureHosts)) ? ['registry.insecure=true'] : []),
  ]);
}

/** The value of a cache that is read. */
export function cacheSource(cache: CacheLocation, target: Pick<BuildTarget, 'insecureHosts'>): string {
  if (cache.type === 'local') return line(['type=local', `src=${cache.directory}`]);
  return line(['type=registry', `ref=${cache.reference}`, ...insecure(cache.reference, target)]);
}

/** The value of a cache that is written, with the layers of every stage. That it cannot be written fails no build. */
export function cacheDestination(cache: CacheLocation, target: Pick<BuildTarget, 'insecureHosts'>): string {
  const every = ['mode=max', 'ignore-error=true'];
  if (cache.type === 'local') return line(['type=local', `dest=${cache.directory}`, ...every]);
  const registry = ['image-manifest=true', 'oci-mediatypes=true', ...insecure(cache.reference, target)];
  return line(['type=registry', `ref=${cache.reference}`, ...every, ...registry]);
}

/** The host that an image reference as we make them begins with. */
function hostOf(reference: string): string {
  return reference.slice(0, reference.indexOf('/'));
}

function insecure(reference: string, { insecureHosts }: Pick<BuildTarget, 'insecureHosts'>): string[] {
  return isInsecureRegistry(hostOf(reference), insecureHosts) ? ['registry.insecure=true'] : [];
}

function withoutTag(reference: string): string {
  return reference.replace(/:[^/:]+$/, '');
}

/**
 * A parent group of BuildKit's own would be part of the cache key; the variable of a proxy is not. It is given once: of
 * several ways to write its name BuildKit takes any, which could name another group.
 */
function groupArgument(args: ImageBuildPlan['args'], group: string): Record<string, string> {
  const asked = Object.keys(args).find(isProxy);
  return { [asked ?? 'FTP_PROXY']: `eve-group:${group}${asked === undefined ? '' : `,${args[asked]}`}` };
}

function withoutProxies(args: ImageBuildPlan['args']): Record<string, string> {
  return Object.fromEntries(Object.entries(args).filter(([name]) => !isProxy(name)));
}

function isProxy(name: string): boolean {
  return name.toLowerCase() === 'ftp_proxy';
}

function sorted(values: Readonly<Record<string, string>>): string[] {
  return Object.entries(values)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, value]) => `${name}=${value}`);
}

function line(fields: readonly string[]): string {
  return fields.map((text) => (/[",\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text)).join(',');
}

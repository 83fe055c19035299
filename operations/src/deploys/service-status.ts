import {
  type DeployId,
  deployableServices,
  type Environment,
  type Manifest,
  type ProbeResult,
  type Release,
} from '@eve/domain';
import { renderImage } from '../builds/image-place.ts';
import type { Platform } from '../platform.ts';
import type { DeployTarget, Instance } from '../ports/deployer.ts';
import { redactorOf } from '../runtime-logs/secrets-of-environment.ts';

const probeMs = 3_000;

/** An instance, and what its check answered when it was asked just now. */
export interface InstanceStatus extends Instance {
  /** Null where it was not asked: it does not run, or has no check. */
  readonly lastProbe: ProbeResult | null;
}

export interface ServiceStatus {
  readonly name: string;
  /** `degraded`: some instances run, not all. */
  readonly state: 'running' | 'degraded' | 'starting' | 'stopped' | 'missing';
  readonly instances: readonly InstanceStatus[];
  /** How many instances there should be. */
  readonly replicas: number;
  readonly image: string;
  readonly urls: readonly string[];
  /** Whether the runtime reports the digest that the release names. */
  readonly digestMatches: boolean;
}

/** What runs of each service of a release; `tried` is the deploy under way, whose instances do not serve yet. */
export function serviceStates(
  { settings }: Pick<Platform, 'settings'>,
  { release, manifest }: { readonly release: Release; readonly manifest: Manifest },
  instances: readonly InstanceStatus[],
  urls: Readonly<Record<string, readonly string[]>>,
  tried: DeployId | null,
): ServiceStatus[] {
  return deployableServices(manifest).map(({ name, replicas }) => {
    const mine = instances.filter(({ service }) => service === name);
    const running = mine.filter(({ state, named }) => state === 'running' && named);
    const image = release.images[name];
    const known = image ? [image.digest, ...image.platforms.flatMap((each) => [each.manifest, each.config])] : [];
    return {
      name,
      state: stateOf(mine, running.length, replicas),
      // What drains after a deploy is on its way out, or kept warm.
      instances: mine.filter(({ state, named, deployId }) => named || state !== 'running' || deployId === tried),
      replicas,
      image: image ? (release.local ? image.digest : renderImage(settings, image.image, image.digest)) : '',
      urls: urls[name] ?? [],
      digestMatches:
        running.length > 0 && running.every(({ digests }) => digests.some((digest) => known.includes(digest))),
    };
  });
}

function stateOf(mine: readonly Instance[], running: number, replicas: number): ServiceStatus['state'] {
  if (running >= replicas) return 'running';
  if (mine.some(({ state }) => state === 'restarting')) return 'starting';
  if (running > 0) return 'degraded';
  return mine.length > 0 ? 'stopped' : 'missing';
}

/** Asks the check of everything that serves, at once and not for long. What a check printed is shown without secrets. */
export async function probed(
  { deployer, now, store, vault }: Pick<Platform, 'deployer' | 'now' | 'store' | 'vault'>,
  environment: Environment,
  target: DeployTarget | null,
  instances: readonly Instance[],
): Promise<InstanceStatus[]> {
  if (!target) return instances.map((instance) => ({ ...instance, lastProbe: null }));
  const redact = await redactorOf({ store, vault }, environment, []);
  return Promise.all(
    instances.map(async (instance) => {
      const wanted = target.services.find(({ service }) => service.name === instance.service);
      if (!wanted || instance.state !== 'running' || !instance.named) return { ...instance, lastProbe: null };
      const signal = AbortSignal.timeout(probeMs);
      const answers = await deployer.probe(wanted, instance, signal).catch(() => {
        const detail = signal.aborted ? `no answer within ${probeMs / 1000} s` : 'its check could not be asked';
        return [{ at: now(), ok: false, detail }];
      });
      const telling = answers.find(({ ok }) => !ok) ?? answers.at(-1);
      return { ...instance, lastProbe: telling ? { ...telling, detail: redact(telling.detail) } : null };
    }),
  );
}

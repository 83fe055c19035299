import type { DriftExpectation, Environment, Manifest } from '@eve/domain';
import { currentTarget } from '../deploys/current-target.ts';
import { manifestOf } from '../deploys/manifest-of.ts';
import type { Platform } from '../platform.ts';
import type { DeployTarget } from '../ports/deployer.ts';

type Needs = Pick<Platform, 'store' | 'vault' | 'registryLogins' | 'settings' | 'now'>;

/** What should run in an environment, and the manifest that it was released with. */
export interface Expected {
  readonly manifest: Manifest;
  readonly expectation: DriftExpectation;
}

/** As its current revision says; null while nothing has served. It stays the same until the next deploy, so that it may be kept. */
export async function expectedInstances(platform: Needs, environment: Environment): Promise<Expected | null> {
  const { tenantId, currentRevisionId } = environment;
  if (!currentRevisionId) return null;
  const target = await currentTarget(platform, environment);
  if (!target) return null;
  const { store } = platform;
  const revision = await store.revisions.get(tenantId, currentRevisionId);
  const manifest = await manifestOf(platform, await store.releases.get(tenantId, revision.releaseId));
  return { manifest, expectation: await expectationOf(platform, environment, target) };
}

/** The part of a target that drift goes by; no secret is in it. */
export async function expectationOf(
  { store, settings }: Pick<Platform, 'store' | 'settings'>,
  { tenantId }: Pick<Environment, 'tenantId'>,
  { revision, services }: Pick<DeployTarget, 'revision' | 'services'>,
): Promise<DriftExpectation> {
  const deploys = await store.deploys.ofRevisions(tenantId, [revision.id]);
  const chooses = settings.addresses === 'cluster';
  return {
    deploys: deploys.map(({ id }) => id),
    services: services.map(({ service: { name, replicas, autoscale }, hash, digests }) => ({
      ...{ name, replicas, hash, digests },
      ...(autoscale && chooses && { most: autoscale.max }),
    })),
  };
}

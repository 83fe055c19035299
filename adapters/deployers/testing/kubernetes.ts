import { randomBytes } from 'node:crypto';
import { rm } from 'node:fs/promises';
import type { ClusterObject, Kind } from '@eve/adapter-kubernetes';
import { testCluster } from '@eve/adapter-kubernetes/testing';
import type { Deployer } from '@eve/operations';
import { type KubernetesDeployerOptions, kubernetesDeployer } from '../src/index.ts';

interface PersistentVolume extends ClusterObject {
  readonly apiVersion: 'v1';
  readonly kind: 'PersistentVolume';
  readonly spec: object;
}

const persistentVolumes: Kind<PersistentVolume> = {
  apiVersion: 'v1',
  kind: 'PersistentVolume',
  plural: 'persistentvolumes',
  namespaced: false,
};
const volumeCount = 3;
const manifests = [
  'application/vnd.oci.image.index.v1+json',
  'application/vnd.oci.image.manifest.v1+json',
  'application/vnd.docker.distribution.manifest.v2+json',
];

/** A deployer on the cluster that tests use, or why there is none. It gives a service up after about 6 seconds: pods start more slowly than containers. */
export async function testKubernetesDeployer(options: Partial<KubernetesDeployerOptions> = {}) {
  const { installation = `test-${randomBytes(4).toString('hex')}` } = options;
  const opened = await testCluster();
  if ('missing' in opened) return opened;
  const { cluster, registry, nodeImage } = opened;
  // A test cluster makes no volumes: some are there for whoever asks for this class.
  const storageClass = `evetest-${randomBytes(5).toString('hex')}`;
  const volumes = Array.from({ length: volumeCount }, (_, index) => `${storageClass}-${index}`);
  for (const name of volumes)
    await cluster.create(persistentVolumes, {
      apiVersion: 'v1',
      kind: 'PersistentVolume',
      metadata: { name },
      spec: {
        capacity: { storage: '1Gi' },
        accessModes: ['ReadWriteOnce'],
        storageClassName: storageClass,
        persistentVolumeReclaimPolicy: 'Retain',
        hostPath: { path: `/tmp/${name}`, type: 'DirectoryOrCreate' },
      },
    });
  const deployer: Deployer = kubernetesDeployer({
    cluster,
    installation,
    now: () => new Date(),
    ownRegistryHost: null,
    minimumDeadlineMs: 6_000,
    volumes: { size: '1Gi', storageClass },
    ...options,
  });
  const digest = await digestOf(registry, nodeImage);
  return {
    deployer,
    cluster,
    installation,
    image: { image: `${nodeImage.replace(/:[^:/]+$/, '')}@${digest}`, local: false, digests: [digest], login: null },
    async [Symbol.asyncDispose]() {
      for (const name of volumes) {
        await cluster.remove(persistentVolumes, { name });
        // Where the cluster's machine is this one.
        await rm(`/tmp/${name}`, { recursive: true, force: true });
      }
    },
  };
}

async function digestOf(registry: string, image: string): Promise<string> {
  const [, repository, tag] = /^[^/]+\/(.+):([^:]+)$/.exec(image) ?? [];
  const answer = await fetch(`http://${registry}/v2/${repository}/manifests/${tag}`, {
    method: 'HEAD',
    headers: { accept: manifests.join(', ') },
  });
  const digest = answer.headers.get('docker-content-digest');
  if (!digest) throw new Error(`The test registry holds no ${image} (${answer.status}).`);
  return digest;
}

import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  BatchV1Api,
  CoreV1Api,
  KubeConfig,
  type V1Container,
  type V1Pod,
  type V1PodSpec,
} from '@kubernetes/client-node';

/** A namespace of its own for one test. Disposing deletes it with all that is in it. */
export interface OwnNamespace extends AsyncDisposable {
  readonly name: string;
  readonly core: CoreV1Api;
  readonly batch: BatchV1Api;
  /** Starts a pod with one container that is never restarted. */
  run(name: string, container: Omit<V1Container, 'name'>, spec?: Partial<V1PodSpec>): Promise<void>;
  /** The pod once it is in this phase. Throws when it ends in another one, or not within a minute. */
  pod(name: string, phase: 'Running' | 'Succeeded'): Promise<V1Pod>;
  log(name: string): Promise<string>;
}

/** Makes a namespace in the cluster of a kubeconfig. */
export async function ownNamespace(kubeconfig: string): Promise<OwnNamespace> {
  const config = new KubeConfig();
  config.loadFromFile(kubeconfig);
  const core = config.makeApiClient(CoreV1Api);
  const namespace = `evetest-${randomBytes(5).toString('hex')}`;
  await core.createNamespace({ body: { metadata: { name: namespace } } });
  const log = (name: string) => core.readNamespacedPodLog({ name, namespace });
  return {
    name: namespace,
    core,
    batch: config.makeApiClient(BatchV1Api),
    async run(name, container, spec = {}) {
      const metadata = { name, labels: { app: name } };
      const containers = [{ name, ...container }];
      const pod = { metadata, spec: { restartPolicy: 'Never', terminationGracePeriodSeconds: 1, containers, ...spec } };
      await core.createNamespacedPod({ namespace, body: pod });
    },
    async pod(name, phase) {
      for (const end = performance.now() + 60_000; ; await sleep(100)) {
        const pod = await core.readNamespacedPod({ name, namespace });
        const now = pod.status?.phase;
        if (now === phase) return pod;
        if (now === 'Failed' || now === 'Succeeded' || performance.now() > end)
          throw new Error(
            `The pod ${name} is ${now}: ${JSON.stringify(pod.status)}\n${await log(name).catch(() => '')}`,
          );
      }
    },
    log,
    async [Symbol.asyncDispose]() {
      await core.deleteNamespace({ name: namespace, gracePeriodSeconds: 0 });
    },
  };
}

import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { kinds, label, type Pod, type Wanted } from '@eve/adapter-kubernetes';
import { PlatformError } from '@eve/domain';
import { account, restricted } from './job.ts';
import type { JobOptions } from './options.ts';
import { container } from './place.ts';
import { tellVersion } from './pod-scripts.ts';

/** What an image is and what it ran on. */
export interface ImageVersion {
  readonly version: string;
  readonly platform: string | null;
}

const patienceMs = 60_000;

/** The version that an image's tag names, such as `moby/buildkit:v0.33.1-rootless`. */
export function versionInTag(image: string): string | null {
  return /:v?(\d+\.\d+(?:\.\d+)?)[^/:]*$/.exec(image.replace(/@sha256:[0-9a-f]+$/, ''))?.[1] ?? null;
}

/** Asks an image whose tag does not tell: a pod runs for a moment. Throws `engine_unavailable`. */
export async function askVersion(options: JobOptions): Promise<ImageVersion> {
  const { cluster, namespace, image } = options;
  const signal = AbortSignal.timeout(patienceMs);
  const name = `eve-version-${randomBytes(4).toString('hex')}`;
  const pod: Wanted<Pod> = {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, namespace, labels: { [label.managedBy]: 'eve', [label.installation]: options.installation } },
    spec: {
      restartPolicy: 'Never',
      activeDeadlineSeconds: Math.ceil(patienceMs / 1000),
      serviceAccountName: account,
      automountServiceAccountToken: false,
      ...(options.nodeSelector && { nodeSelector: options.nodeSelector }),
      ...(options.imagePullSecrets && {
        imagePullSecrets: options.imagePullSecrets.map((secret) => ({ name: secret })),
      }),
      containers: [{ name: container.build, image, command: ['sh', '-c', tellVersion], securityContext: restricted }],
    },
  };
  await cluster.create(kinds.Pod, pod);
  try {
    await ended(options, name, signal);
    const lines: string[] = [];
    for await (const { text } of cluster.logs({ namespace, pod: name, container: container.build }, {}, signal))
      lines.push(text);
    const version = /\bv?(\d+\.\d+\.\d+[\w.+-]*)/.exec(lines[0] ?? '')?.[1];
    if (version === undefined) throw unusable(image, lines[0] ?? 'it said nothing');
    return { version, platform: platformOf(lines.at(-1) ?? '') };
  } finally {
    await cluster.remove(kinds.Pod, { name, namespace }, { graceSeconds: 1 });
  }
}

async function ended({ cluster, namespace, image }: JobOptions, name: string, signal: AbortSignal): Promise<void> {
  for (;;) {
    const pod = await cluster.get(kinds.Pod, name, namespace);
    const status = pod?.status?.containerStatuses?.[0]?.state;
    if (status?.terminated?.exitCode === 0) return;
    const waiting = status?.waiting;
    if (status?.terminated)
      throw unusable(image, status.terminated.message ?? `it ended with ${status.terminated.exitCode}`);
    if (signal.aborted) throw unusable(image, waiting?.message ?? waiting?.reason ?? 'its pod does not start');
    if (waiting?.reason === 'ImagePullBackOff' || waiting?.reason === 'InvalidImageName')
      throw unusable(image, waiting.message ?? waiting.reason);
    await sleep(100);
  }
}

function unusable(image: string, why: string): PlatformError {
  return new PlatformError('engine_unavailable', `The builder's image ${image} cannot be used: ${why}`);
}

const architectures: Readonly<Record<string, string>> = { x86_64: 'amd64', aarch64: 'arm64' };

function platformOf(machine: string): string | null {
  const architecture = architectures[machine.trim()];
  return architecture === undefined ? null : `linux/${architecture}`;
}

import { z } from 'zod';
import { flag } from './config-values.ts';

/** Variables of an installation whose revisions run, and whose images are built, on Kubernetes. */
export const clusterVariables = {
  EVE_DEPLOYER: z
    .enum(['docker', 'kubernetes'])
    .default('docker')
    .describe('Where revisions run and, with `kubernetes`, where images are built.'),
  EVE_KUBECONFIG: z
    .string()
    .min(1)
    .optional()
    .describe('The kubeconfig of the cluster. Default: the service account of Eve’s own pod, else ~/.kube/config.'),
  EVE_KUBERNETES_BUILD_NAMESPACE: z
    .string()
    .regex(/^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/)
    .default('eve-builds')
    .describe('The namespace in which builds run, each as a Job.'),
  EVE_KUBERNETES_INGRESS_CLASS: z
    .string()
    .min(1)
    .optional()
    .describe(
      'The IngressClass that services are reached from outside by. Default: none, services are reached inside.',
    ),
  EVE_KUBERNETES_GATEWAY: z
    .string()
    .regex(/^[a-z0-9-]+\/[a-z0-9.-]+$/, 'must be namespace/name')
    .optional()
    .describe('The Gateway that routes of services belong to, in place of an IngressClass.'),
  EVE_BUILDKIT_IMAGE: z
    .string()
    .min(1)
    .default('moby/buildkit:v0.33.1-rootless')
    .describe('The image with buildkitd and buildctl that build Jobs run.'),
  EVE_BUILDKIT_PRIVILEGED: flag
    .default(false)
    .describe('Whether build Jobs run privileged, where nodes forbid rootless ones.'),
  EVE_KANIKO_IMAGE: z
    .string()
    .min(1)
    .optional()
    .describe('A debug image of kaniko’s executor: builds that ask for it, or cannot have BuildKit, run it.'),
  EVE_DOCKER_HUB_MIRROR: z
    .string()
    .regex(/^[a-zA-Z0-9.-]+(:\d+)?$/, 'must be host or host:port')
    .optional()
    .describe(
      'A registry that builds on Kubernetes ask before Docker Hub. Plain HTTP where it is named as insecure too.',
    ),
  EVE_REGISTRY_HOST: z
    .string()
    .regex(/^[a-zA-Z0-9.-]+(:\d+)?$/, 'must be host or host:port')
    .optional()
    .describe(
      'The registry that accepts Eve’s tokens, as nodes, builds and Eve reach it. `npm start` runs its own there. Default: one on loopback.',
    ),
};

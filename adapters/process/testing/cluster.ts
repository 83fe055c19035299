import { access } from 'node:fs/promises';

/** A real Kubernetes for tests and what it can reach. */
export interface TestCluster {
  /** Path of the kubeconfig of somebody who may do everything. */
  readonly kubeconfig: string;
  /** A registry over plain HTTP without logins, under one `host:port` for this machine, the nodes and pods. */
  readonly registry: string;
  /** An image with Node, as the nodes pull it. */
  readonly nodeImage: string;
  /** A small Debian to build on, as builds in a pod pull it. */
  readonly baseImage: string;
  /** An image with buildkitd, buildctl and rootlesskit. */
  readonly buildkitImage: string;
  /** The directory in which the nodes look for how a registry is reached (`<host:port>/hosts.toml`), when it is here. */
  readonly registriesDir: string | null;
}

/** The cluster named by KUBECONFIG, EVE_TEST_REGISTRY and EVE_TEST_BUILDKIT_IMAGE; the reason for a skip when there is none. */
export async function testCluster(): Promise<TestCluster | { missing: string }> {
  const { KUBECONFIG: kubeconfig, EVE_TEST_REGISTRY: registry, EVE_TEST_BUILDKIT_IMAGE: buildkitImage } = process.env;
  if (!kubeconfig || !registry || !buildkitImage)
    return { missing: 'KUBECONFIG, EVE_TEST_REGISTRY and EVE_TEST_BUILDKIT_IMAGE name no cluster' };
  const found = await access(kubeconfig).then(
    () => true,
    () => false,
  );
  if (!found) return { missing: `${kubeconfig} does not exist` };
  const nodeImage = `${registry}/library/node:24-slim`;
  const baseImage = `${registry}/library/debian:12-slim`;
  const registriesDir = process.env.EVE_TEST_REGISTRIES_DIR ?? null;
  return { kubeconfig, registry, nodeImage, baseImage, buildkitImage, registriesDir };
}

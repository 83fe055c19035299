import { join } from 'node:path';
import { installPrograms } from '@eve/local';
import { missingForCluster } from '../tests/cluster/needed-packages.ts';
import { registriesOf } from '../tests/cluster/place.ts';
import { buildkitImageIn, pushTestImages } from '../tests/cluster/push-images.ts';
import { openSuiteCluster } from '../tests/cluster/suite-cluster.ts';
import { ensureBuildkit } from './tools/buildkit.ts';
import type { ToolOptions } from './tools/go.ts';
import { ensureKubernetes } from './tools/kubernetes.ts';

/** The cluster of one run's tests. Disposing ends it, and fails when it left anything behind. */
export interface TestCluster extends AsyncDisposable {
  /** How tests are told of it. */
  readonly variables: Readonly<Record<string, string>>;
}

export interface TestClusterOptions extends ToolOptions {
  /** For files of the time of starting. */
  readonly scratch: string;
  /** An engine that has the base images. */
  readonly engine: { readonly buildx: string; readonly dockerHost: string };
}

/** The variables of a cluster that was given to this process, else null: a kubeconfig alone may be anybody's. */
export function givenCluster(): Readonly<Record<string, string>> | null {
  const { KUBECONFIG, EVE_TEST_REGISTRY, EVE_TEST_BUILDKIT_IMAGE, EVE_TEST_REGISTRIES_DIR } = process.env;
  if (!KUBECONFIG || !EVE_TEST_REGISTRY || !EVE_TEST_BUILDKIT_IMAGE) return null;
  const needed = { KUBECONFIG, EVE_TEST_REGISTRY, EVE_TEST_BUILDKIT_IMAGE };
  return EVE_TEST_REGISTRIES_DIR ? { ...needed, EVE_TEST_REGISTRIES_DIR } : needed;
}

/** Starts a cluster with all its tests need; Kubernetes is built from its sources where the cache does not hold it. */
export async function openTestCluster(options: TestClusterOptions): Promise<TestCluster> {
  const { cacheDir, scratch, engine, say, signal } = options;
  const buildkit = await ensureBuildkit(options);
  const programs = await ensureKubernetes(options);
  await installPrograms(await missingForCluster(), { cacheDir, log: say, signal });
  await using starting = new AsyncDisposableStack();
  const cluster = starting.use(await openSuiteCluster({ programs, say, signal }));
  const { registry, directory } = cluster;
  await pushTestImages({ cluster, engine, buildkit, scratch: join(scratch, 'images'), say, signal });
  const running = starting.move();
  return {
    variables: {
      KUBECONFIG: cluster.kubeconfig,
      EVE_TEST_REGISTRY: registry,
      EVE_TEST_BUILDKIT_IMAGE: buildkitImageIn(registry),
      EVE_TEST_REGISTRIES_DIR: registriesOf({ directory }),
      EVE_TEST_CLUSTER: directory,
    },
    [Symbol.asyncDispose]: () => running.disposeAsync(),
  };
}

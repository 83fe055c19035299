import { isRefused, type Job, kinds, type Pod, type Wanted } from '@eve/adapter-kubernetes';
import { PlatformError } from '@eve/domain';
import type { ResolvedPlan } from '../client/plan.ts';
import type { JobOptions } from './options.ts';

/** Asks the API server, without starting anything, whether it would take a pod of such a Job. Throws `engine_unavailable`. */
export async function checkUsable(
  { cluster, namespace }: Pick<JobOptions, 'cluster' | 'namespace'>,
  { spec }: Wanted<Job>,
): Promise<void> {
  const { metadata = {}, spec: template } = spec.template;
  const pod: Wanted<Pod> = {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'eve-build-check', namespace, ...metadata },
    spec: template,
  };
  try {
    await cluster.apply(kinds.Pod, pod, { dryRun: true });
  } catch (error) {
    // What is full, or away, is so only for now.
    if (!isRefused(error, 'admission_refused', 'invalid')) return;
    throw new PlatformError('engine_unavailable', `Builds cannot run in namespace ${namespace}: ${error.message}`, {
      cause: error,
    });
  }
}

/** A plan that asks for nothing, to see what would become of one. */
export const samplePlan: ResolvedPlan = {
  name: 'check',
  runId: 'brun_00000000000000000000000000',
  service: 'check',
  organisation: 'check',
  ...{ output: 'none', sourceDir: '/', context: '.', dockerfile: 'Dockerfile', dockerfileText: '', target: null },
  ...{ contextPath: '/', dockerfilePath: '/Dockerfile', declaresEpoch: false, sourceDateEpoch: null },
  ...{ args: {}, labels: {}, platforms: [], tags: [], secrets: [], logins: [], cacheFrom: [], cacheTo: [] },
  ...{ noCache: false, provenance: false, sbomScanner: null, limits: { memoryBytes: null, cpus: null } },
};

import { kubernetesCluster } from '@eve/adapter-kubernetes';
import type { ImageBuildPlan } from '@eve/operations';
import { type KubernetesBuildkitOptions, kubernetesBuilder } from '../src/index.ts';

// A worker in a process of its own, for tests that kill it: it starts a build and prints what it is told, an event a line.

/** What the process is started with, as JSON. */
export interface BuildingProcess {
  readonly kubeconfig: string;
  readonly options: Omit<KubernetesBuildkitOptions, 'cluster'>;
  readonly plan: ImageBuildPlan;
}

const { kubeconfig, options, plan }: BuildingProcess = JSON.parse(process.argv[2] ?? '');
const builder = kubernetesBuilder({ ...options, cluster: await kubernetesCluster({ kubeconfig }) });
const ref = await builder.ensure(plan, { workId: 'work_01k0000000000000000000000', fence: 1 });
process.stdout.write(`${JSON.stringify({ type: 'ensured', ref })}\n`);
for await (const event of builder.follow(ref, null, new AbortController().signal))
  process.stdout.write(`${JSON.stringify(event)}\n`);

import { randomBytes } from 'node:crypto';
import { access, mkdir, writeFile } from 'node:fs/promises';
import { delimiter, dirname, join } from 'node:path';
import { kubernetesBuilder } from '@eve/adapter-builders';
import { kinds, kubernetesCluster } from '@eve/adapter-kubernetes';
import { runProgram, systemPath } from '@eve/adapter-process';
import { type TestCluster, testCluster } from '@eve/adapter-process/testing';
import type { ImageBuildPlan } from '@eve/operations';
import { type Figure, listed, measured, median } from './figure.ts';
import type { Scene } from './scene.ts';

const rounds = 5;
const targetMs = 2_000;

/** A build in a Job of Eve's, from asking for it to its digest, beside a Job that runs BuildKit on the same context. */
export async function jobBuilder(scene: Scene): Promise<Figure[]> {
  const test = await testCluster();
  if ('missing' in test) throw new Error(`${test.missing}.`);
  const cluster = await kubernetesCluster({ kubeconfig: test.kubeconfig });
  const namespace = `eve-bench-${randomBytes(4).toString('hex')}`;
  const workDir = join(scene.directory, 'job-builder');
  const files = contextOf(test);
  const sourceDir = join(workDir, 'source');
  await mkdir(sourceDir, { recursive: true });
  for (const [name, text] of Object.entries(files)) await writeFile(join(sourceDir, name), text);
  const { registry, buildkitImage: image } = test;
  const builder = kubernetesBuilder({
    ...{ cluster, namespace, installation: namespace, image },
    ...{ workDir, insecureHosts: [registry] },
  });
  const plan = planOf(sourceDir, `${registry}/${namespace}/ours:1`);
  const ours: number[] = [];
  const bare: number[] = [];
  try {
    await builder.capabilities();
    for (let round = 0; round < rounds; round += 1) {
      const name = `${namespace}-${round}`;
      ours.push(await timed(() => build(builder, { ...plan, name })));
      await builder.stop(name);
      const job = bareJob(test, { name, namespace, files });
      bare.push(await timed(() => bareBuild(test, namespace, job)));
      await cluster.remove(kinds.Job, { name, namespace }, { propagation: 'Foreground' });
    }
  } finally {
    await cluster.remove(kinds.Namespace, { name: namespace }, { propagation: 'Background' });
  }
  const difference = median(ours) - median(bare);
  return [
    measured({
      ...{ name: 'job-builder', ours: median(ours), peer: median(bare), unit: 'ms' },
      ...{ target: '≤ 2000 ms over bare', met: difference <= targetMs },
      detail: `${Math.round(difference)} ms over bare; ${listed(ours)}; bare: ${listed(bare)}`,
    }),
  ];
}

function contextOf({ baseImage }: TestCluster): Record<string, string> {
  return { Dockerfile: `FROM ${baseImage}\nCOPY page /page\nRUN cat /page\n`, page: 'hello\n' };
}

function planOf(sourceDir: string, tag: string): ImageBuildPlan {
  return {
    ...{ name: 'bench', runId: 'brun_01k0000000000000000000000', service: 'web', organisation: 'bench' },
    ...{ output: 'push', sourceDir, context: '.', dockerfile: 'Dockerfile', dockerfileText: null, target: null },
    ...{ args: {}, labels: {}, platforms: [], tags: [tag], secrets: [], logins: [], sourceDateEpoch: null },
    ...{ noCache: false, cacheFrom: [], cacheTo: [], provenance: false, sbomScanner: null },
    limits: { memoryBytes: null, cpus: null },
  };
}

async function build(builder: ReturnType<typeof kubernetesBuilder>, plan: ImageBuildPlan): Promise<void> {
  const ref = await builder.ensure(plan, { workId: 'work_01k0000000000000000000000', fence: 1 });
  for await (const event of builder.follow(ref, null, AbortSignal.timeout(120_000)))
    if (event.type === 'failed') throw new Error(event.failure.message);
}

// What somebody writes who has only BuildKit: the daemon in the background, then the client.
const script = `mkdir /tmp/context && cp -L /context/* /tmp/context/
rootlesskit buildkitd --oci-worker-no-process-sandbox --config=/context/buildkitd.toml --root=/state --addr="$ADDRESS" 2> /tmp/log &
until buildctl --addr="$ADDRESS" debug workers > /dev/null 2>&1; do sleep 0.1; done
exec buildctl --addr="$ADDRESS" build --frontend=dockerfile.v0 --local=context=/tmp/context --local=dockerfile=/tmp/context --progress=plain \\
  --output="type=image,name=$IMAGE,push=true,registry.insecure=true"
`;

function bareJob(
  { buildkitImage, registry }: TestCluster,
  { name, namespace, files }: { name: string; namespace: string; files: Record<string, string> },
): object[] {
  const data = { ...files, 'buildkitd.toml': `[registry.${JSON.stringify(registry)}]\nhttp = true\n` };
  const metadata = { name, namespace };
  const env = { ADDRESS: 'unix:///run/user/1000/buildkitd.sock', IMAGE: `${registry}/${namespace}/bare:1` };
  const container = {
    name: 'build',
    image: buildkitImage,
    command: ['sh', '-c', script],
    env: Object.entries(env).map(([variable, value]) => ({ name: variable, value })),
    securityContext: { runAsUser: 1000, runAsGroup: 1000 },
    volumeMounts: [
      { name: 'context', mountPath: '/context' },
      { name: 'state', mountPath: '/state' },
    ],
  };
  const volumes = [
    { name: 'context', configMap: { name } },
    { name: 'state', emptyDir: {} },
  ];
  const spec = { restartPolicy: 'Never', securityContext: { fsGroup: 1000 }, containers: [container], volumes };
  return [
    { apiVersion: 'v1', kind: 'ConfigMap', metadata, data },
    { apiVersion: 'batch/v1', kind: 'Job', metadata, spec: { backoffLimit: 0, template: { spec } } },
  ];
}

async function bareBuild(test: TestCluster, namespace: string, objects: readonly object[]): Promise<void> {
  const file = await kubectlOf(test);
  const kubectl = (args: string[], input?: string) =>
    runProgram({
      file,
      args: [`--kubeconfig=${test.kubeconfig}`, `--namespace=${namespace}`, ...args],
      ...(input && { input }),
    });
  const created = await kubectl(
    ['create', '--filename=-', '--output=name'],
    objects.map((it) => JSON.stringify(it)).join('\n'),
  );
  const job = created.stdout.split('\n').find((line) => line.startsWith('job')) ?? '';
  await kubectl(['wait', '--for=condition=complete', '--timeout=120s', job]);
  const { stdout, stderr } = await kubectl(['logs', job]);
  if (!/pushing manifest for/.test(stdout + stderr)) throw new Error('The bare build pushed nothing.');
}

/** The test cluster's own, else the machine's. */
async function kubectlOf({ kubeconfig }: TestCluster): Promise<string> {
  for (const directory of [join(dirname(kubeconfig), 'bin'), ...systemPath.split(delimiter)]) {
    const file = join(directory, 'kubectl');
    const found = await access(file).then(
      () => true,
      () => false,
    );
    if (found) return file;
  }
  throw new Error('There is no kubectl.');
}

async function timed(act: () => Promise<void>): Promise<number> {
  const began = performance.now();
  await act();
  return performance.now() - began;
}

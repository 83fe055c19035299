import { setTimeout as sleep } from 'node:timers/promises';
import type { EveClient } from '@eve/protocol-rest/client';
import { bareBuild, registryConfig } from './bare-build.ts';
import { type Figure, listed, measured, median, quantile } from './figure.ts';
import type { Scene } from './scene.ts';

interface Commit {
  readonly git_sha: string;
  readonly manifest_hash: string;
}

/** Builds with Eve and with the bare command in turn: the same context, tags, registry and engine. Each has a commit of its own, which changes nothing that the image is made of: else Eve would not build at all. */
async function interleaved(
  scene: Scene,
  rounds: number,
  noCache: boolean,
): Promise<{ ours: number[]; bare: number[] }> {
  const { api, credentials } = await scene.eve();
  const project = await scene.project();
  const tools = await scene.buildTools();
  const host = await scene.registryHost();
  const configDir = await registryConfig(scene.directory, host, credentials.token);
  const version = `build-${Date.now()}`;
  let commit = await project.change(version);
  const image = `${host}/local/bench/web`;
  const bare = (tag: string) => {
    const tags = [`sha-${commit.git_sha}`, 'local', tag].map((each) => `${image}:${each}`);
    const labels = { 'org.opencontainers.image.title': 'web' };
    return bareBuild({ ...tools, context: project.repository.directory, tags, labels, configDir, noCache });
  };
  const ours = async (tag: string) => {
    commit = await project.change(version, `# ${tag}`);
    return buildWithEve(api, project.id, commit, tag, noCache);
  };

  await ours('warm-0');
  await bare('warm-1');
  const times = { ours: [] as number[], bare: [] as number[] };
  for (let round = 0; round < rounds; round++) {
    times.ours.push(await ours(`ours-${round}-${noCache}`));
    times.bare.push(await bare(`bare-${round}-${noCache}`));
  }
  return times;
}

/** From the request of a run to its recorded end. */
async function buildWithEve(
  api: EveClient,
  project: string,
  commit: Commit,
  tag: string,
  noCache: boolean,
): Promise<number> {
  const spec = await api.createBuild(project, {
    ...commit,
    inputs: { tag },
    ...(noCache && { cache: { disabled: true } }),
  });
  const began = performance.now();
  const { id } = await api.startBuildRun(spec.id);
  for (;;) {
    const run = await api.getBuildRun(spec.id, id);
    if (run.status === 'completed') return performance.now() - began;
    if (run.status === 'failed' || run.status === 'cancelled') throw new Error(run.error_message ?? run.status);
    await sleep(5);
  }
}

/** What Eve adds to a build whose every layer is cached. */
export async function buildCached(scene: Scene): Promise<Figure[]> {
  const { ours, bare } = await interleaved(scene, 5, false);
  const overhead = median(ours) - median(bare);
  const detail = `Eve ${listed(ours)}; bare docker-buildx build --push ${listed(bare)}`;
  return [
    measured({
      name: 'build-cached',
      ours: overhead,
      unit: 'ms over bare',
      target: '≤ 400 ms',
      met: overhead <= 400,
      detail,
    }),
  ];
}

/** A build without any cache against the bare command. */
export async function buildCold(scene: Scene): Promise<Figure[]> {
  const { ours, bare } = await interleaved(scene, 3, true);
  const [mine, theirs] = [median(ours), median(bare)];
  const detail = `a context that builds in a moment, so the ratio is the worst case; Eve ${listed(ours)}; bare ${listed(bare)}`;
  return [
    measured({
      name: 'build-cold',
      ours: mine,
      peer: theirs,
      unit: 'ms',
      target: '≤ 1.10 ×',
      met: mine / theirs <= 1.1,
      detail,
    }),
  ];
}

/** A build that was made before: from the request to the artifacts. */
export async function buildReuse(scene: Scene): Promise<Figure[]> {
  const { api } = await scene.eve();
  const project = await scene.project();
  const commit = await project.change(`reuse-${Date.now()}`);
  await buildWithEve(api, project.id, commit, 'first', false);
  const spec = await api.createBuild(project.id, { ...commit, inputs: { tag: 'first' } });
  const times: number[] = [];
  for (let round = 0; round < 50; round++) {
    const began = performance.now();
    const run = await api.startBuildRun(spec.id);
    const { data } = await api.listBuildArtifacts(spec.id, { run_id: run.id });
    times.push(performance.now() - began);
    if (run.status !== 'completed' || data.length === 0)
      throw new Error(`The build was not reused: it is ${run.status}.`);
  }
  const ours = quantile(times, 0.99);
  const detail = `50 requests, p50 ${listed([median(times)])} ms`;
  return [measured({ name: 'build-reuse', ours, unit: 'ms p99', target: '≤ 50 ms', met: ours <= 50, detail })];
}

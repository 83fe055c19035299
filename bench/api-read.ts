import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { type Figure, listed, measured, median } from './figure.ts';
import type { Scene } from './scene.ts';

interface Load {
  readonly perSecond: number;
  readonly p99Ms: number;
  readonly wrong: number;
}

const rounds = 3;

/** One build by its id through the whole API, against a handler that runs the same statement and checks nothing. */
export async function apiRead(scene: Scene): Promise<Figure[]> {
  const { api, credentials } = await scene.eve();
  const project = await scene.project();
  const commit = await project.change(`read-${Date.now()}`);
  const spec = await api.createBuild(project.id, commit);
  const postgres = join(scene.dataDir, 'postgres');
  const [password, port] = await Promise.all(
    ['password', 'port'].map(async (name) => (await readFile(join(postgres, name), 'utf8')).trim()),
  );
  const bare = new Worker(new URL('./bare-api-thread.ts', import.meta.url), {
    workerData: { database: `postgres://eve:${password}@127.0.0.1:${port}/eve` },
  });
  try {
    const bareUrl = await new Promise<string>((resolve, reject) => bare.once('message', resolve).once('error', reject));
    const ours: Load[] = [];
    const theirs: Load[] = [];
    await load(`${credentials.url}/builds/${spec.id}`, credentials.token, 1_000);
    await load(`${bareUrl}/builds/${spec.id}`, credentials.token, 1_000);
    for (let round = 0; round < rounds; round++) {
      ours.push(await load(`${credentials.url}/builds/${spec.id}`, credentials.token, 3_000));
      theirs.push(await load(`${bareUrl}/builds/${spec.id}`, credentials.token, 3_000));
    }
    const wrong = [...ours, ...theirs].reduce((sum, each) => sum + each.wrong, 0);
    if (wrong > 0) throw new Error(`${wrong} answers were not 200.`);
    const [mine, plain] = [ours, theirs].map((each) => median(each.map(({ perSecond }) => perSecond))) as [
      number,
      number,
    ];
    const tails = [ours, theirs].map((each) => median(each.map(({ p99Ms }) => p99Ms)));
    const detail = `20 kept connections, ${rounds} rounds of 3 s in turn; p99 ${listed(tails)} ms (Eve, bare)`;
    return [
      measured({
        name: 'api-read',
        ours: mine,
        peer: plain,
        unit: 'requests/s',
        target: '≥ 0.6 ×',
        met: mine / plain >= 0.6,
        detail,
      }),
    ];
  } finally {
    await bare.terminate();
  }
}

function load(url: string, token: string, forMs: number): Promise<Load> {
  const worker = new Worker(new URL('./read-load-thread.ts', import.meta.url), { workerData: { url, token, forMs } });
  return new Promise((resolve, reject) => worker.once('message', resolve).once('error', reject));
}

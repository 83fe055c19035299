import { spawn } from 'node:child_process';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { startEmbeddedPostgres } from '@eve/adapter-postgres';
import { deployVersion } from './deploys.ts';
import { type Figure, listed, measured, median } from './figure.ts';
import type { Scene } from './scene.ts';

const rounds = 5;

/** From the start of the process to the first answer of the API, with a data directory that is there. */
export async function start(scene: Scene): Promise<Figure[]> {
  await scene.eve();
  const ours: number[] = [];
  const floor: number[] = [];
  for (let round = 0; round < rounds; round++) {
    await scene.stop();
    floor.push(await bareStart(join(scene.dataDir, 'postgres')));
    ours.push((await scene.eve()).readyMs);
  }
  const detail = `rounds ${listed(ours)}; peer is an empty Node plus the embedded PostgreSQL alone`;
  const [mine, bare] = [median(ours), median(floor)];
  return [
    measured({ name: 'start', ours: mine, peer: bare, unit: 'ms', target: '≤ 2000 ms', met: mine <= 2_000, detail }),
  ];
}

async function bareStart(dataDir: string): Promise<number> {
  const began = performance.now();
  await new Promise((resolve) => spawn(process.execPath, ['-e', '0'], { stdio: 'ignore' }).once('exit', resolve));
  const log = { info: () => {}, warn: () => {}, error: () => {} };
  const postgres = await startEmbeddedPostgres({ dataDir, port: null, log });
  const took = performance.now() - began;
  await postgres.stop();
  return took;
}

/** What Eve holds when it has deployed something and then has nothing to do. */
export async function memory(scene: Scene): Promise<Figure[]> {
  const eve = await scene.restart();
  await deployVersion(scene, `memory-${Date.now()}`);
  await sleep(20_000);
  const tree = await processTree(eve.pid);
  const isPostgres = (name: string) => name.startsWith('postgres');
  const isRouter = (name: string) => name === 'haproxy';
  const others = tree.filter(({ name }) => !isPostgres(name) && !isRouter(name));
  const servers = tree.filter(({ name }) => isPostgres(name));
  const mb = (kilobytes: number) => kilobytes / 1024;
  const sum = (values: readonly number[]) => values.reduce((all, value) => all + value, 0);
  const ours = mb(sum(others.map(({ rss }) => rss)) + sum(servers.map(({ pss }) => pss)));
  const detail = [
    `${others.map(({ rss }) => `Node ${Math.round(mb(rss))} MB`).join(', ')}`,
    `${servers.length} PostgreSQL processes ${Math.round(mb(sum(servers.map(({ pss }) => pss))))} MB in proportion (PSS)`,
    `plain RSS of all together ${Math.round(mb(sum(tree.map(({ rss }) => rss))))} MB, which counts shared pages once per process`,
    'the npm process of `npm start` is not counted; router, registry and engine are programs of their own',
  ].join('; ');
  return [measured({ name: 'memory', ours, unit: 'MB', target: '≤ 250 MB', met: ours <= 250, detail })];
}

interface ProcessMemory {
  readonly name: string;
  readonly rss: number;
  readonly pss: number;
}

/** A process and everything below it, in KiB. */
async function processTree(root: number): Promise<ProcessMemory[]> {
  const parents = new Map<number, number>();
  for (const entry of await readdir('/proc')) {
    const text = /^\d+$/.test(entry) ? await readFile(`/proc/${entry}/stat`, 'utf8').catch(() => null) : null;
    if (text) parents.set(Number(entry), Number(text.slice(text.lastIndexOf(')') + 2).split(' ')[1]));
  }
  const mine = new Set([root]);
  for (let before = 0; before !== mine.size; ) {
    before = mine.size;
    for (const [pid, parent] of parents) if (mine.has(parent)) mine.add(pid);
  }
  return Promise.all(
    [...mine].map(async (pid) => {
      const rollup = await readFile(`/proc/${pid}/smaps_rollup`, 'utf8').catch(() => '');
      const name = (await readFile(`/proc/${pid}/comm`, 'utf8').catch(() => '')).trim();
      const field = (key: string) => Number(new RegExp(`^${key}:\\s+(\\d+)`, 'm').exec(rollup)?.[1] ?? 0);
      return { name, rss: field('Rss'), pss: field('Pss') };
    }),
  );
}

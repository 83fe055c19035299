import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { answerOf, deployVersion, serviceUrl } from './deploys.ts';
import { type Figure, listed, measured, median, unmeasured } from './figure.ts';
import type { Scene } from './scene.ts';

const run = promisify(execFile);
const rounds = 5;
const port = 39_322;
const unit = 'ms';
const target = 'no slower than Compose, which is away meanwhile';

/** A change of one variable until the first answer with it: our deploy against `docker compose up -d` of the same image. */
export async function composeUp(scene: Scene): Promise<Figure[]> {
  const { engine } = await scene.buildTools();
  const compose = await composeProgram(engine);
  if (!compose) return [unmeasured('compose-up', unit, target, 'There is no docker compose on this machine.')];
  const { api } = await scene.eve();
  const project = (await scene.project()).id;
  await deployVersion(scene, `compose-${Date.now()}`);
  const url = await serviceUrl(api, project);
  const image = `${await scene.registryHost()}/local/bench/web:local`;
  const directory = await mkdtemp(join(tmpdir(), 'eve-bench-compose-'));
  const ours: number[] = [];
  const peer: number[] = [];
  const away: number[] = [];
  try {
    await compose(directory, image, 'first');
    await answers(`http://127.0.0.1:${port}/mark`, 'first');
    for (let round = 0; round < rounds; round++) {
      const mark = `round-${round}`;
      const began = performance.now();
      await api.setConfiguration(project, 'test', { set: { MARK: mark } });
      await answers(`${url}/mark`, mark);
      ours.push(performance.now() - began);

      const lost = whileAway(`http://127.0.0.1:${port}/mark`);
      const composeBegan = performance.now();
      await compose(directory, image, mark);
      await answers(`http://127.0.0.1:${port}/mark`, mark);
      peer.push(performance.now() - composeBegan);
      away.push(await lost.stop());
    }
  } finally {
    await compose(directory, image, null);
    await rm(directory, { recursive: true, force: true });
  }
  const [mine, theirs] = [median(ours), median(peer)];
  const detail = `ours ${listed(ours)}; docker compose ${listed(peer)}, away for ${listed(away)}`;
  return [measured({ name: 'compose-up', ours: mine, peer: theirs, unit, target, met: mine <= theirs, detail })];
}

type Compose = (directory: string, image: string, mark: string | null) => Promise<void>;

/** Compose as a plugin or as a program of its own; null when there is none. */
async function composeProgram(engine: string): Promise<Compose | null> {
  const env = { PATH: process.env.PATH, DOCKER_HOST: `unix://${engine.replace(/^unix:\/\//, '')}` };
  for (const words of [['docker', 'compose'], ['docker-compose']]) {
    const [program = '', ...first] = words;
    const found = await run(program, [...first, 'version'], { env }).then(
      () => true,
      () => false,
    );
    if (!found) continue;
    return async (directory, image, mark) => {
      const options = { cwd: directory, env: { ...env, COMPOSE_PROJECT_NAME: `eve-bench-${process.pid}` } };
      if (mark === null) return void (await run(program, [...first, 'down', '--timeout', '1'], options));
      await writeFile(join(directory, 'docker-compose.yml'), composeFile(image, mark));
      await run(program, [...first, 'up', '--detach'], options);
    };
  }
  return null;
}

const composeFile = (image: string, mark: string) => `version: "3.8"
services:
  web:
    image: ${image}
    init: true
    environment: { PORT: "3000", MARK: ${mark} }
    ports: ["127.0.0.1:${port}:3000"]
`;

async function answers(url: string, wanted: string): Promise<void> {
  for (const end = Date.now() + 60_000; Date.now() < end; await sleep(10)) if ((await answerOf(url)) === wanted) return;
  throw new Error(`${url} did not answer with ${wanted}.`);
}

/** How long nothing answered, in milliseconds, until it is stopped. */
function whileAway(url: string): { stop(): Promise<number> } {
  let stopped = false;
  const counted = (async () => {
    let awayMs = 0;
    for (let last = performance.now(); !stopped; last = performance.now()) {
      const answered = await answerOf(url);
      await sleep(5);
      if (answered === null) awayMs += performance.now() - last;
    }
    return awayMs;
  })();
  return {
    stop() {
      stopped = true;
      return counted;
    },
  };
}

import { randomBytes } from 'node:crypto';
import { mkdtemp, realpath, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type EveClient, eveClient } from '@eve/protocol-rest/client';
import { type Config, freePort } from '@eve/server';
import { type ExampleRepository, exampleRepository } from './example.ts';
import { provideBaseImages } from './images.ts';
import {
  deployCommit,
  ensureExampleProject,
  getJson,
  type JourneyStep,
  syncExample,
  urlsOf,
  waitForDeploy,
} from './journey.ts';
import { type LoadReport, startLoad } from './load.ts';
import { type LocalEve, type StartOptions, startLocal } from './start-local.ts';
import { stopEverything } from './stop-everything.ts';

const requestsPerSecond = 200;

interface Report {
  ok: boolean;
  steps: JourneyStep[];
  requests: number;
  failed_requests: number;
}

/**
 * The whole way in an installation of its own: build, release, deploy; a change deployed and rolled back under load; everything
 * stopped and removed. The last line on standard output is the report; the exit code is 0 when every step was right.
 */
export async function once(options: StartOptions): Promise<number> {
  const report: Report = { ok: false, steps: [], requests: 0, failed_requests: 0 };
  const dataDir = await realpath(await mkdtemp(join(tmpdir(), 'eve-once-')));
  const config: Config = { ...options.config, ...(await portsOfItsOwn()), dataDir };
  let eve: LocalEve | null = null;
  try {
    eve = await step(report, options, 'start', () => startLocal({ ...options, config }));
    await journey(report, options, eve, config);
    report.ok = report.steps.every(({ ok }) => ok) && report.failed_requests === 0;
  } catch (error) {
    options.say(error instanceof Error ? error.message : String(error));
  } finally {
    const running = eve;
    await step(report, options, 'stop', async () => {
      await running?.[Symbol.asyncDispose]();
      await stopEverything({ config, say: options.say, volumes: true, removeData: true });
      await rm(dataDir, { recursive: true, force: true });
    }).catch(() => {
      report.ok = false;
    });
  }
  process.stdout.write(`${JSON.stringify(report)}\n`);
  return report.ok ? 0 : 1;
}

/** Ports away from the usual ones and from those of another such run that starts at the same moment. */
async function portsOfItsOwn(): Promise<Pick<Config, 'EVE_LISTEN' | 'EVE_REGISTRY_PORT' | 'EVE_ROUTER_PORT'>> {
  const from = 10_000 + (process.pid % 90) * 100;
  return {
    EVE_LISTEN: `127.0.0.1:${await freePort(from)}`,
    EVE_REGISTRY_PORT: await freePort(from + 30),
    EVE_ROUTER_PORT: await freePort(from + 60),
  };
}

async function step<Result>(
  report: Report,
  { say, signal }: StartOptions,
  name: string,
  act: () => Promise<Result>,
): Promise<Result> {
  const began = performance.now();
  const end = (outcome: { ok: boolean; error?: string }) => {
    const ms = Math.round(performance.now() - began);
    report.steps.push({ name, ms, ...outcome });
    say(`${outcome.ok ? '✓' : '✗'} ${name} (${(ms / 1000).toFixed(1)} s)${outcome.error ? `: ${outcome.error}` : ''}`);
  };
  try {
    if (name !== 'stop') signal.throwIfAborted();
    const result = await act();
    end({ ok: true });
    return result;
  } catch (error) {
    end({ ok: false, error: error instanceof Error ? error.message : String(error) });
    throw error;
  }
}

async function journey(report: Report, options: StartOptions, eve: LocalEve, config: Config): Promise<void> {
  const { say } = options;
  const api = eveClient(eve.credentials);
  const run = <Result>(name: string, act: () => Promise<Result>) => step(report, options, name, act);

  await run('base images', () => provideBaseImages(eve, config, say, options.signal));
  const repository = await exampleRepository(join(config.dataDir, 'example', 'shop'));
  const secrets = { DB_PASSWORD: randomBytes(12).toString('hex') };
  const project = await run('project', () => ensureExampleProject(api, repository));
  const first = await run('sync', () => syncExample(api, project, repository, secrets));
  await run('build, release, deploy', () => deployCommit(api, project, 'test', first, say));
  const { byName, byPort } = await run('addresses', () => urlsOf(api, project, 'test', 'web'));
  await run('first version answers', () => expectVersion(byPort, byName, '1.0.0'));
  const products = await run('products from the database', () => productsOf(byPort));

  await changeUnderLoad(report, run, { api, project, repository, byPort, byName, secrets, say });
  await run('rolled back version answers', () => expectVersion(byPort, byName, '1.0.0'));
  await run('data outlived it', async () => {
    if ((await productsOf(byPort)) !== products) throw new Error('The products are not the same as before.');
  });
  await run('running digests are the release’s', () => expectReady(api, project));
}

interface UnderLoad {
  readonly api: EveClient;
  readonly project: string;
  readonly repository: ExampleRepository;
  readonly byPort: string;
  readonly byName: string;
  readonly secrets: Record<string, string>;
  readonly say: (line: string) => void;
}

/** Deploys a change and rolls it back while requests come in at a steady rate. */
async function changeUnderLoad(
  report: Report,
  run: <Result>(name: string, act: () => Promise<Result>) => Promise<Result>,
  { api, project, repository, byPort, byName, secrets, say }: UnderLoad,
): Promise<void> {
  const load = startLoad(`${byPort}/version`, requestsPerSecond);
  let counted: LoadReport | null = null;
  try {
    await run('change', () => repository.change('web/version.json', '1.0.0', '2.0.0', 'feat: the second version'));
    const second = await run('sync the change', () => syncExample(api, project, repository, secrets));
    await run('deploy the change', () => deployCommit(api, project, 'test', second, say));
    await run('second version answers', () => expectVersion(byPort, byName, '2.0.0'));
    await run('roll back', async () => {
      const { deploy } = await api.rollbackEnvironment(project, 'test');
      if (!deploy) throw new Error('The rollback made no deploy.');
      await waitForDeploy(api, deploy.id);
    });
  } finally {
    counted = await load.stop();
    report.requests = counted.requests;
    report.failed_requests = counted.failed;
  }
  await run(`no failed request of ${counted.requests} at ${requestsPerSecond}/s`, async () => {
    if (counted.failed > 0) throw new Error(`${counted.failed} failed: ${counted.errors.join('; ')}`);
  });
}

/** Asks by port and by host name: both must answer with the version. */
async function expectVersion(byPort: string, byName: string, version: string): Promise<void> {
  const named = new URL(byName);
  for (const url of [`${byPort}/version`, `http://127.0.0.1:${named.port}/version`]) {
    const answer = url.startsWith(byPort) ? await getJson(url) : await getNamed(url, named.hostname);
    if (answer.version !== version) throw new Error(`${url} answers version ${answer.version}, not ${version}.`);
  }
}

/** fetch sets no Host of ours, and not every resolver knows `*.localhost`: so the plain client asks the router by name. */
async function getNamed(url: string, host: string): Promise<Record<string, unknown>> {
  const { get } = await import('node:http');
  return new Promise((resolve, reject) => {
    get(url, { headers: { host } }, (answer) => {
      let text = '';
      answer.on('data', (part) => {
        text += part;
      });
      answer.on('end', () => {
        if (answer.statusCode === 200) resolve(JSON.parse(text) as Record<string, unknown>);
        else reject(new Error(`${host} answered ${answer.statusCode}: ${text.slice(0, 200)}`));
      });
    }).on('error', reject);
  });
}

async function productsOf(byPort: string): Promise<string> {
  const answer = await fetch(`${byPort}/products`, { signal: AbortSignal.timeout(10_000) });
  if (answer.status !== 200) throw new Error(`/products answered ${answer.status}.`);
  return answer.text();
}

async function expectReady(api: EveClient, project: string): Promise<void> {
  const status = await api.environmentStatus(project, 'test');
  const wrong = status.services.filter(({ state, digest_matches }) => state !== 'running' || !digest_matches);
  if (!status.ready || wrong.length > 0)
    throw new Error(`Not ready: ${wrong.map(({ name, state }) => `${name} ${state}`).join(', ') || status.status}.`);
}

import { once } from 'node:events';
import { createPool, database, migrate, postgresStore, queueRecords } from '@eve/adapter-postgres';
import { PlatformError } from '@eve/domain';
import { type Config, takeConfig } from './config.ts';
import { openDataDirectory } from './data-directory.ts';
import { firstToken } from './first-token.ts';
import { healthServer } from './health.ts';
import { logOf, openLogger } from './logger.ts';
import { newId } from './new-id.ts';
import { openPlatform } from './platform.ts';
import { startServer, startWorker } from './server.ts';
import { version } from './version.ts';

const usage = `main.ts serve | work | migrate | token [organisation]

serve    the API, and a worker unless EVE_WORKER is false
work     a worker alone
migrate  brings the database to this version and ends
token    prints a new token with every right in an organisation (\`main\` unless named), which is made when it is not there

DATABASE_URL names the PostgreSQL to use. For an installation on one machine that brings its own, use \`npm start\`.`;

const leaving = new AbortController();
for (const name of ['SIGINT', 'SIGTERM'] as const)
  process.on(name, () => leaving.abort(new Error(`stopped by ${name}`)));

function required(config: Config): string {
  if (config.DATABASE_URL) return config.DATABASE_URL;
  throw new PlatformError(
    'request_invalid',
    'DATABASE_URL is not set: name the PostgreSQL to use, or start with `npm start`.',
  );
}

function addressOf(listen: string): { host: string; port: number } {
  const at = listen.lastIndexOf(':');
  return { host: listen.slice(0, at), port: Number(listen.slice(at + 1)) };
}

async function run(command?: string, ...rest: readonly string[]): Promise<number> {
  const takes = { serve: 0, work: 0, migrate: 0, token: 1 };
  if (command === undefined || !Object.hasOwn(takes, command) || rest.length > takes[command as keyof typeof takes]) {
    process.stderr.write(`${usage}\n`);
    return 2;
  }
  const config = takeConfig(process.env);
  const databaseUrl = required(config);
  const logger = openLogger(config, null);
  const log = logOf(logger);
  if (command === 'migrate' || command === 'token') {
    const pool = createPool({ url: databaseUrl });
    await using _ended = { [Symbol.asyncDispose]: () => pool.end() };
    const migrations = await migrate(pool);
    log.info({ migrations }, 'the database is up to date');
    if (command === 'token') {
      const [slug = 'main'] = rest;
      const records = { store: postgresStore(database(pool), queueRecords), now: () => new Date(), newId };
      const text = await firstToken(records, { slug, name: slug, tier: config.EVE_DEFAULT_TIER });
      process.stdout.write(`${text}\n`);
    }
    return 0;
  }

  const wanted = { api: null, registry: config.EVE_REGISTRY_PORT ?? null, router: config.EVE_ROUTER_PORT ?? null };
  await using directory = await openDataDirectory(config.dataDir, wanted);
  const [host = '127.0.0.1', port = String(directory.installation.ports.api)] =
    config.EVE_LISTEN?.split(/:(?=\d+$)/) ?? [];
  await using platform = await openPlatform({
    config,
    installation: directory.installation,
    databaseUrl,
    git: 'git',
    docker:
      config.EVE_DEPLOYER === 'kubernetes'
        ? null
        : { host: config.DOCKER_HOST ?? 'unix:///var/run/docker.sock', buildx: 'docker-buildx', haproxy: 'haproxy' },
    local: false,
    publicUrl: config.EVE_PUBLIC_URL ?? `http://${host}:${port}`,
    registryHost: config.EVE_REGISTRY_HOST ?? null,
    networkPool: config.EVE_NETWORK_POOL,
    log,
  });
  await directory.adopt(platform.settings.installation);
  if (command === 'work') {
    await using _health = config.EVE_HEALTH_LISTEN
      ? await healthServer(
          { platform, isLeaving: () => leaving.signal.aborted },
          { ...addressOf(config.EVE_HEALTH_LISTEN), log },
        )
      : null;
    await startWorker(platform, config, leaving.signal);
  } else {
    await using server = await startServer(platform, { config, host, port: Number(port), version, logger });
    log.info({ url: server.url }, 'Eve is ready');
    if (!leaving.signal.aborted) await once(leaving.signal, 'abort');
  }
  return 0;
}

try {
  process.exitCode = await run(...process.argv.slice(2));
} catch (error) {
  process.stderr.write(
    `${error instanceof PlatformError ? error.message : error instanceof Error ? error.stack : String(error)}\n`,
  );
  process.exitCode = 1;
}

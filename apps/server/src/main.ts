import { createPool, migrate } from '@eve/adapter-postgres';
import { PlatformError } from '@eve/domain';
import { type Config, takeConfig } from './config.ts';
import { openDataDirectory } from './data-directory.ts';
import { logOf, openLogger } from './logger.ts';
import { openPlatform } from './platform.ts';
import { startServer, startWorker } from './server.ts';
import { version } from './version.ts';

const usage = `main.ts serve | work | migrate

serve    the API and a worker
work     a worker alone
migrate  brings the database to this version and ends

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

async function run(command: string | undefined): Promise<number> {
  if (command !== 'serve' && command !== 'work' && command !== 'migrate') {
    process.stderr.write(`${usage}\n`);
    return 2;
  }
  const config = takeConfig(process.env);
  const databaseUrl = required(config);
  const logger = openLogger(config, null);
  const log = logOf(logger);
  if (command === 'migrate') {
    const pool = createPool({ url: databaseUrl });
    const done = await migrate(pool).finally(() => pool.end());
    log.info({ migrations: done }, 'the database is up to date');
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
    dockerHost: config.DOCKER_HOST ?? 'unix:///var/run/docker.sock',
    programs: { buildx: 'docker-buildx', haproxy: 'haproxy', git: 'git' },
    local: false,
    publicUrl: config.EVE_PUBLIC_URL ?? `http://${host}:${port}`,
    registryHost: null,
    networkPool: config.EVE_NETWORK_POOL,
    log,
  });
  if (command === 'work') await startWorker(platform, config, leaving.signal);
  else {
    await using server = await startServer(platform, { config, host, port: Number(port), version, logger });
    log.info({ url: server.url }, 'Eve is ready');
    await new Promise((resolve) => leaving.signal.addEventListener('abort', resolve));
  }
  return 0;
}

try {
  process.exitCode = await run(process.argv[2]);
} catch (error) {
  process.stderr.write(
    `${error instanceof PlatformError ? error.message : error instanceof Error ? error.stack : String(error)}\n`,
  );
  process.exitCode = 1;
}

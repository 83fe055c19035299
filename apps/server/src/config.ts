import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { PlatformError } from '@eve/domain';
import { z } from 'zod';
import { clusterVariables } from './config-cluster.ts';
import { count, duration, durationOrNever, flag, kept, port } from './config-values.ts';

const environment = z.object({
  EVE_DATA_DIR: z
    .string()
    .min(1)
    .optional()
    .describe('Everything of a local installation. Default: eve under the data directory of the user.'),
  EVE_CACHE_DIR: z
    .string()
    .min(1)
    .optional()
    .describe('What may be lost: downloaded programs, the base system of made images.'),
  EVE_KEYS_DIR: z
    .string()
    .min(1)
    .optional()
    .describe(
      'A directory with the keys that all processes share, where they run on several machines: `registry-logins.key`, `token.key`, `token.crt`, and `master.key` unless EVE_MASTER_KEY is set. Nothing is made in it. Default: files of the data directory.',
    ),
  EVE_BLOBS_S3: z
    .string()
    .regex(
      /^s3:\/\/[a-z0-9][a-z0-9.-]{1,61}[a-z0-9](\/[A-Za-z0-9_@+=-][A-Za-z0-9._@+=-]{0,99}){0,3}$/,
      'must be s3://bucket or s3://bucket/prefix',
    )
    .optional()
    .describe(
      'The bucket, and the place in it, where uploaded sources and finished logs are kept, for processes on several machines. No other installation may have the same place. Default: the data directory.',
    ),
  EVE_BLOBS_S3_ENDPOINT: z
    .url({ protocol: /^https?$/ })
    .regex(/^[^?#@]+$/, 'must have neither user, query nor fragment')
    .optional()
    .describe('Another server that speaks S3; the bucket is then part of the path. Default: Amazon S3 in the region.'),
  EVE_BLOBS_S3_REGION: z
    .string()
    .regex(/^[a-z0-9-]{1,40}$/)
    .default('us-east-1')
    .describe('The region of the bucket, which requests are signed for.'),
  EVE_BLOBS_S3_ACCESS_KEY_ID: z
    .string()
    .regex(/^[\x21-\x7e]+$/)
    .optional()
    .describe('The key that may list the bucket, and get, put and delete its objects.'),
  EVE_BLOBS_S3_SECRET_ACCESS_KEY: z.string().min(1).optional().describe('The secret of that key.'),
  EVE_LISTEN: z
    .string()
    .regex(/^[^:]+:\d+$|^\[.+\]:\d+$/, 'must be host:port')
    .optional()
    .describe('Address of the API. Default 127.0.0.1:4600, or another free port when that is taken.'),
  EVE_WORKER: flag
    .default(true)
    .describe('Whether `serve` also takes work. `false` where workers are processes of their own.'),
  EVE_HEALTH_LISTEN: z
    .string()
    .regex(/^[^:]+:\d+$/, 'must be host:port')
    .optional()
    .describe(
      'Where `work` answers `/health/live` and `/health/ready`. Default: nowhere; `serve` has both in its API.',
    ),
  EVE_API_DRAIN: durationOrNever('0').describe(
    'How long `serve` goes on answering after SIGTERM, not ready any more and closing each connection after its answer, so that a load balancer can take it out. 0: not at all.',
  ),
  EVE_WORK_GRACE: durationOrNever('10s').describe(
    'How long builds and deploys may still end by themselves after SIGTERM, before they are handed to other workers.',
  ),
  EVE_PUBLIC_URL: z.url().optional().describe('How others reach the API. Default: from EVE_LISTEN.'),
  DATABASE_URL: z
    .string()
    .min(1)
    .optional()
    .describe('PostgreSQL 15 or newer. Default: a database that Eve starts in its data directory.'),
  EVE_DATABASE_LISTEN_URL: z
    .string()
    .min(1)
    .optional()
    .describe('A direct connection for LISTEN and heartbeats where DATABASE_URL goes through a pooler or a proxy.'),
  EVE_MASTER_KEY: z
    .string()
    .min(1)
    .optional()
    .describe('Base64 of the 32 bytes that wrap every secret. Default: a file in the data directory.'),
  EVE_MASTER_KEY_FORMER: z
    .string()
    .min(1)
    .optional()
    .describe('The key that EVE_MASTER_KEY replaces, until `eve secrets rotate-key` has sealed everything anew.'),
  EVE_INTERNAL_API_KEY: z.string().min(16).optional().describe('Opens POST /internal/registry/token to workers.'),
  EVE_BUILD_REUSE: flag.default(true).describe('Whether equal builds are reused.'),
  EVE_BUILD_QUEUE_TIMEOUT: duration('2h').describe('How long a build may wait for its start.'),
  EVE_BUILD_PREPARE_TIMEOUT: duration('10m').describe(
    'How long a build may take before its first Dockerfile step: source, secrets, planning.',
  ),
  EVE_BUILD_CACHE: z
    .enum(['engine', 'registry'])
    .default('engine')
    .describe(
      'Where builds that say nothing about it keep their layers: with the engine only, or also in the project’s part of the registry.',
    ),
  EVE_SBOM_SCANNER: z
    .string()
    .min(1)
    .optional()
    .describe('The image that lists the packages of built images, for an SBOM. Default: no SBOM.'),
  EVE_BUILD_BACKEND: z
    .enum(['buildx', 'buildkit', 'kaniko'])
    .optional()
    .describe('The engine of builds that name none.'),
  EVE_BUILDKIT: z
    .enum(['auto', 'off'])
    .default('off')
    .describe(
      '`auto`: builds go to BuildKit daemons that Eve starts, one for each organisation, where `npm run tools -- buildkit` was run.',
    ),
  EVE_BUILD_CACHE_BYTES: z.coerce
    .number()
    .int()
    .min(1_000_000_000)
    .default(20_000_000_000)
    .describe(
      'How much disk the layers of one BuildKit daemon of ours may take, and the `local` caches of all builds.',
    ),
  EVE_BUILD_NETWORK_POOL: z
    .string()
    .regex(/^\d+\.\d+\.0\.0\/16$/)
    .default('10.214.0.0/16')
    .describe('Where the networks of build steps take their addresses from.'),
  EVE_BUILDKIT_ADDR: z
    .string()
    .min(1)
    .optional()
    .describe(
      'A BuildKit daemon to build with instead of the engine’s own, or several with commas between them; with `{organisation}` in it each organisation has its own, which a second one needs.',
    ),
  ...clusterVariables,
  EVE_BUILDKIT_INSECURE_REGISTRIES: z
    .string()
    .default('')
    .describe(
      'Registries, comma-separated, with or without a port, that are spoken to over plain HTTP or unverified TLS, and may have private addresses.',
    ),
  EVE_BUILDKIT_INSECURE_ALL: flag
    .default(false)
    .describe('Plain HTTP or unverified TLS for every registry: for finding faults on one machine only.'),
  EVE_DEFAULT_TIER: z
    .enum(['free', 'pro', 'enterprise', 'dedicated'])
    .default('free')
    .describe('The tier of new organisations.'),
  EVE_DOMAIN: z
    .string()
    .regex(/^[a-z0-9.-]+$/)
    .default('localhost')
    .describe('The domain below which services have their host names.'),
  EVE_ROUTER_PORT: port.optional().describe('The shared HTTP port of the router. Default 4680, or another free one.'),
  EVE_REGISTRY_PORT: port
    .optional()
    .describe('The port of the registry that Eve runs. Default 4650, or another free one.'),
  EVE_SERVICE_PORTS_FROM: port.default(21_000).describe('The first loopback port that services are given.'),
  EVE_NETWORK_POOL: z
    .string()
    .regex(/^\d+\.\d+\.\d+\.\d+\/\d+$/)
    .default('10.213.0.0/16')
    .describe('Where networks of environments take their addresses from.'),
  EVE_DRAIN_SECONDS: z.coerce
    .number()
    .min(0)
    .max(3_600)
    .default(30)
    .describe('How long replaced instances may finish what they have.'),
  EVE_STABILISE_SECONDS: z.coerce
    .number()
    .min(0)
    .max(3_600)
    .default(10)
    .describe('How long a deploy is watched after its traffic moved, where neither environment nor manifest says.'),
  EVE_DRIFT_SECONDS: z.coerce
    .number()
    .min(0)
    .max(3_600)
    .default(5)
    .describe('How often what runs is compared with what is recorded. 0: never.'),
  EVE_RETENTION_REVISIONS: kept.default(10).describe('Revisions per environment that can be rolled back to.'),
  EVE_RETENTION_RELEASES: kept.default(50).describe('Releases per project that are kept although nothing runs them.'),
  EVE_RETENTION_BUILDS: kept.default(50).describe('Builds per project that are kept although no release names them.'),
  EVE_RETENTION_IMAGES: duration('168h').describe('How long images stay that no release names.'),
  EVE_RETENTION_LOGS: duration('720h').describe('How long the logs of removed instances stay.'),
  EVE_RETENTION_EVERY: durationOrNever('24h').describe('How often what nothing needs is removed by itself. 0: never.'),
  EVE_LEASE_SECONDS: z.coerce
    .number()
    .min(2)
    .max(300)
    .default(10)
    .describe('After this time without a heartbeat a worker counts as lost.'),
  EVE_BUILD_SLOTS: count.default(4).describe('Builds that one worker carries out at once.'),
  EVE_BUILDER_CAPACITY: count
    .optional()
    .describe('Builds that all workers together carry out at once. Default: as many as the tenants’ limits allow.'),
  EVE_DEPLOY_SLOTS: count.default(4).describe('Deploys that one worker carries out at once.'),
  EVE_LOCAL_SOURCES: flag
    .optional()
    .describe('Whether repositories may be file: URLs and paths. Default: only in a local installation.'),
  EVE_INSTALL: flag.default(true).describe('Whether `npm start` may install what is missing on the machine.'),
  EVE_FAILPOINT: z.string().optional().describe('Ends the process at a named point: for tests of restarts.'),
  EVE_LOG_SPOOL_MB: z.coerce
    .number()
    .int()
    .min(1)
    .max(65_536)
    .default(256)
    .describe('MiB of lines that one build or deploy may keep on disk while the database is away.'),
  EVE_LOG_LEVEL: z.enum(['trace', 'debug', 'info', 'warn', 'error', 'silent']).default('info'),
  DOCKER_HOST: z
    .string()
    .startsWith('unix://')
    .optional()
    .describe('The Docker engine, by its socket. Default /var/run/docker.sock, else one that Eve starts.'),
  XDG_DATA_HOME: z.string().optional(),
  XDG_CACHE_HOME: z.string().optional(),
  KUBECONFIG: z.string().optional(),
  SSL_CERT_FILE: z.string().optional(),
  NODE_EXTRA_CA_CERTS: z.string().optional(),
});

export type Environment = z.infer<typeof environment>;

/** The server's configuration: what the environment says, with the defaults of a local installation. */
export interface Config extends Environment {
  readonly dataDir: string;
  readonly cacheDir: string;
}

/** The variables with their descriptions: `docs/configuration.md` is made of it. */
export const configurationTable = Object.entries(environment.shape).map(([name, schema]) => ({
  name,
  description: schema.description ?? '',
}));

const secretVariables = [
  'DATABASE_URL',
  'EVE_DATABASE_LISTEN_URL',
  'EVE_MASTER_KEY',
  'EVE_MASTER_KEY_FORMER',
  'EVE_INTERNAL_API_KEY',
  'EVE_BLOBS_S3_ACCESS_KEY_ID',
  'EVE_BLOBS_S3_SECRET_ACCESS_KEY',
] as const;

/** Reads this process's environment and takes its secrets away, so that no program it starts is handed them. Throws as readConfig does. */
export function takeConfig(variables: NodeJS.ProcessEnv): Config {
  const config = readConfig(variables);
  for (const name of secretVariables) delete variables[name];
  return config;
}

/** Reads the environment once. Throws `request_invalid` naming every wrong variable. */
export function readConfig(variables: NodeJS.ProcessEnv): Config {
  const parsed = environment.safeParse(variables);
  if (!parsed.success) {
    const details = parsed.error.issues.map(({ path, message }) => ({ path: path.join('.'), message }));
    const sentence = details.map(({ path, message }) => `${path}: ${message}`).join('; ');
    throw new PlatformError('request_invalid', `The configuration is not valid: ${sentence}.`, { details });
  }
  const { XDG_DATA_HOME, XDG_CACHE_HOME, EVE_DATA_DIR, EVE_CACHE_DIR } = parsed.data;
  return {
    ...parsed.data,
    dataDir: resolve(EVE_DATA_DIR ?? join(XDG_DATA_HOME ?? join(homedir(), '.local', 'share'), 'eve')),
    cacheDir: resolve(EVE_CACHE_DIR ?? join(XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'eve')),
  };
}

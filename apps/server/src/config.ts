import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { PlatformError } from '@eve/domain';
import { z } from 'zod';

const flag = z.stringbool({ truthy: ['true', '1', 'yes', 'on'], falsy: ['false', '0', 'no', 'off'] });
const port = z.coerce.number().int().min(1).max(65_535);
const count = z.coerce.number().int().min(1).max(1_000);

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
  EVE_LISTEN: z
    .string()
    .regex(/^[^:]+:\d+$|^\[.+\]:\d+$/, 'must be host:port')
    .optional()
    .describe('Address of the API. Default 127.0.0.1:4600, or another free port when that is taken.'),
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
    .describe('A direct connection for LISTEN where DATABASE_URL goes through a pooler.'),
  EVE_MASTER_KEY: z
    .string()
    .min(1)
    .optional()
    .describe('Base64 of the 32 bytes that wrap every secret. Default: a file in the data directory.'),
  EVE_INTERNAL_API_KEY: z.string().min(16).optional().describe('Opens POST /internal/registry/token to workers.'),
  EVE_BUILD_REUSE: flag.default(true).describe('Whether equal builds are reused.'),
  EVE_BUILD_BACKEND: z
    .enum(['buildx', 'buildkit', 'kaniko'])
    .optional()
    .describe('The engine of builds that name none.'),
  EVE_BUILDKIT_ADDR: z
    .string()
    .min(1)
    .optional()
    .describe('A BuildKit daemon to build with instead of the engine’s own.'),
  EVE_BUILDKIT_INSECURE_REGISTRIES: z
    .string()
    .default('')
    .describe('Hosts, comma-separated, that are spoken to over plain HTTP.'),
  EVE_BUILDKIT_INSECURE_ALL: flag
    .default(false)
    .describe('Plain HTTP for every registry: for finding faults on one machine only.'),
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
  EVE_LEASE_SECONDS: z.coerce
    .number()
    .min(2)
    .max(300)
    .default(10)
    .describe('After this time without a heartbeat a worker counts as lost.'),
  EVE_BUILD_SLOTS: count.default(4).describe('Builds that one worker carries out at once.'),
  EVE_DEPLOY_SLOTS: count.default(4).describe('Deploys that one worker carries out at once.'),
  EVE_LOCAL_SOURCES: flag
    .optional()
    .describe('Whether repositories may be file: URLs and paths. Default: only in a local installation.'),
  EVE_INSTALL: flag.default(true).describe('Whether `npm start` may install what is missing on the machine.'),
  EVE_FAILPOINT: z.string().optional().describe('Ends the process at a named point: for tests of restarts.'),
  EVE_LOG_LEVEL: z.enum(['trace', 'debug', 'info', 'warn', 'error', 'silent']).default('info'),
  DOCKER_HOST: z
    .string()
    .startsWith('unix://')
    .optional()
    .describe('The Docker engine, by its socket. Default /var/run/docker.sock, else one that Eve starts.'),
  XDG_DATA_HOME: z.string().optional(),
  XDG_CACHE_HOME: z.string().optional(),
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

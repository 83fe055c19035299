import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { promisify } from 'node:util';
import { PlatformError } from '@eve/domain';

const runFile = promisify(execFile);
const collectMs = 30 * 60_000;

/** Where the registry runs as a container instead, on a machine that has an engine but no registry program. */
export interface RegistryContainerOptions {
  /** The Docker command line client. */
  readonly docker: string;
  /** The engine's address, such as `unix:///var/run/docker.sock`. */
  readonly engine: string;
  /** Distribution's image; `registry:2` by default. */
  readonly image?: string;
}

/** What the container sees of the machine: the same paths. */
export interface RegistryContainerPlace {
  readonly configFile: string;
  readonly config: string;
  readonly storageDir: string;
  readonly certificateFile: string;
  readonly host: string;
  readonly port: number;
}

/** The name of a data directory's registry container. */
export function registryContainerName(dataDir: string): string {
  return `eve-registry-${createHash('sha256').update(dataDir).digest('hex').slice(0, 12)}`;
}

/** The arguments that run the registry's container: as this user, with nothing writable but the images. */
export function registryContainerArguments(
  name: string,
  image: string,
  { configFile, config, storageDir, certificateFile, host, port }: RegistryContainerPlace,
  user: string,
): string[] {
  const bind = (path: string, mode: string) => `type=bind,source=${path},target=${path}${mode}`;
  return [
    ...['run', '--detach', '--name', name, '--restart', 'unless-stopped', '--user', user],
    ...['--label', `eve.config=${digestOf(config)}`, '--publish', `${host}:${port}:${port}`],
    ...['--cap-drop', 'ALL', '--security-opt', 'no-new-privileges', '--read-only', '--tmpfs', '/tmp'],
    ...['--env', 'OTEL_TRACES_EXPORTER=none', '--env', `REGISTRY_HTTP_ADDR=0.0.0.0:${port}`],
    ...['--mount', bind(storageDir, ''), '--mount', bind(configFile, ',readonly')],
    ...['--mount', bind(certificateFile, ',readonly'), image, configFile],
  ];
}

/** Runs the container, unless it already runs with this configuration. Throws `registry_unavailable`. */
export async function startRegistryContainer(
  { docker, engine, image = 'registry:2' }: RegistryContainerOptions,
  name: string,
  place: RegistryContainerPlace,
): Promise<void> {
  const format = '{{.State.Running}} {{index .Config.Labels "eve.config"}}';
  const found = await run(docker, engine, ['inspect', '--type', 'container', '--format', format, name]).catch(() => '');
  if (found.trim() === `true ${digestOf(place.config)}`) return;
  await removeRegistryContainer({ docker, engine }, name);
  const user = `${process.getuid?.() ?? 0}:${process.getgid?.() ?? 0}`;
  try {
    await run(docker, engine, registryContainerArguments(name, image, place, user));
  } catch (error) {
    await removeRegistryContainer({ docker, engine }, name);
    const { stderr = '' } = error as { stderr?: string };
    throw new PlatformError(
      'registry_unavailable',
      `Eve's registry cannot start: there is no registry program on this machine, and a container of ${image} did not start (${stderr.trim().split('\n')[0]?.slice(0, 300) || 'no reason given'}). Install the package docker-registry, or set \`registry\` in the manifest to one of your own.`,
      { cause: error },
    );
  }
}

/** Frees what no manifest names any more, inside the running container. */
export async function collectInRegistryContainer(
  { docker, engine }: Pick<RegistryContainerOptions, 'docker' | 'engine'>,
  name: string,
  configFile: string,
): Promise<void> {
  await run(docker, engine, ['exec', name, 'registry', 'garbage-collect', configFile], collectMs);
}

/** Removes the container when there is one; images stay. */
export async function removeRegistryContainer(
  { docker, engine }: Pick<RegistryContainerOptions, 'docker' | 'engine'>,
  name: string,
): Promise<void> {
  await run(docker, engine, ['rm', '--force', name]).catch(() => '');
}

async function run(docker: string, engine: string, args: readonly string[], timeoutMs = 120_000): Promise<string> {
  const env = { PATH: '/usr/local/bin:/usr/bin:/bin', HOME: '/' };
  const options = { env, timeout: timeoutMs, maxBuffer: 64 * 1024 * 1024 };
  return (await runFile(docker, ['--host', engine, ...args], options)).stdout;
}

function digestOf(config: string): string {
  return createHash('sha256').update(config).digest('hex');
}

import { z } from 'zod';
import { ReleaseCommandFile, UpdateFile } from './schema-rollout.ts';
import { Command, Count, Duration, ignored, Size, Text, TextMap } from './schema-words.ts';

export const AmountsFile = z.object({
  memory: Size.optional(),
  cpus: Text.optional(),
  pids: ignored('processes are not limited in number.'),
  devices: ignored('devices are not given to services.'),
});

export const ResourcesFile = z.object({ limits: AmountsFile.optional(), reservations: AmountsFile.optional() });

export const DeployFile = z
  .object({
    replicas: Count.optional(),
    resources: ResourcesFile.optional(),
    restart_policy: ignored('use `restart`.'),
    update_config: UpdateFile.optional().describe('How replicas are replaced under the strategy `rolling`.'),
    rollback_config: ignored('a rollback moves all traffic at once.'),
    mode: ignored('the number of instances is `replicas`.'),
    placement: ignored('where instances run is not chosen.'),
    labels: ignored('labels of services are not kept.'),
    endpoint_mode: ignored('a service has one name.'),
  })
  .meta({ id: 'deploy' });

export const BuildTestFile = z
  .object({
    target: z.string().optional().describe('A stage of the Dockerfile whose steps are the tests.'),
    command: Command.optional().describe('Run in the built image: text for a shell, or a list.'),
  })
  .meta({ id: 'build_test' });

export const BuildFile = z
  .object({
    context: z.string().optional().describe("Directory of the repository; the repository's root unless given."),
    dockerfile: z
      .string()
      .optional()
      .describe(
        'Relative to the repository when it begins with the context, else to the context; Dockerfile unless given.',
      ),
    args: TextMap.optional(),
    target: z.string().optional().describe('Stage of the Dockerfile.'),
    platforms: z.array(z.string()).optional().describe('Such as linux/amd64; the builder’s own unless given.'),
    secrets: z
      .array(z.union([z.string(), z.object({ source: z.string(), target: z.string().optional() })]))
      .optional()
      .describe('Names of secrets that the build may mount.'),
    timeout: Duration.optional().describe(
      'How long the build may take, up to what the tier of the organisation allows.',
    ),
    resources: AmountsFile.optional().describe('Less memory or processors than the tier of the organisation allows.'),
    test: z
      .union([Command, BuildTestFile])
      .optional()
      .describe('What must pass before the image is pushed: a command run in the built image, or a target.'),
    cache_from: ignored('the cache is chosen when a build is created.'),
    cache_to: ignored('the cache is chosen when a build is created.'),
    no_cache: ignored('use `eve build run --force`.'),
    labels: ignored('Eve labels images with commit and project.'),
    tags: ignored('Eve tags images with commit and version.'),
    pull: ignored('base images are resolved at each build.'),
    network: ignored('builds use the builder’s network.'),
    provenance: ignored('Eve decides what is attested.'),
    sbom: ignored('Eve decides what is attested.'),
  })
  .meta({ id: 'build' });

export const CheckFile = z
  .object({
    test: Command.optional().describe('Text for a shell, or a list that begins with CMD, CMD-SHELL or NONE.'),
    interval: Duration.optional(),
    timeout: Duration.optional(),
    retries: Count.optional(),
    start_period: Duration.optional(),
    disable: z.boolean().optional(),
    start_interval: ignored('checks during the start come at `interval`.'),
  })
  .meta({ id: 'healthcheck' });

export const ProbeFile = z
  .object({
    path: z.string().describe('Such as /health.'),
    port: Count.optional().describe("The service's first port unless given."),
    interval: Duration.optional(),
    timeout: Duration.optional(),
    retries: Count.optional(),
    start_period: Duration.optional(),
    tcp: ignored('whether the port accepts is what is asked when no check is written; leave the probe out.'),
  })
  .meta({ id: 'probe' });

export const PortFile = z
  .object({
    target: Count.describe('Port in the container.'),
    published: Count.optional().describe('Port on the machine; chosen once by Eve unless given.'),
    app_protocol: z.string().optional().describe('http unless given; tcp for everything that is not HTTP.'),
    protocol: z.enum(['tcp']).optional(),
    name: z.string().optional(),
    mode: ignored('ports are published by the router.'),
    host_ip: ignored('ports are published on the address of the router.'),
  })
  .meta({ id: 'port' });

export const VolumeFile = z
  .object({
    type: z.enum(['volume']).optional(),
    source: z.string(),
    target: z.string(),
    read_only: z.boolean().optional(),
    volume: ignored('named volumes have no settings.'),
    consistency: ignored('named volumes have no settings.'),
  })
  .meta({ id: 'volume' });

export const IngressFile = z.object({
  public: z.boolean().optional().describe('false: reached by other services only.'),
  host: z.string().optional().describe('A host name of your own for the first port, such as shop.example.com.'),
  port: Count.optional().describe('The port that gets traffic, when it is not the first.'),
  alias: ignored('a host name of your own is `host`.'),
  domains: ignored('a host name of your own is `host`.'),
  timeout: ignored('the router has one timeout.'),
  max_body_size: ignored('the router passes bodies of every size.'),
});

export const AutoscaleFile = z
  .object({
    min: Count.optional().describe('The least instances; `deploy.replicas` unless given.'),
    max: Count.describe('The most instances.'),
    cpu: Text.optional().describe(
      'Percent of `deploy.resources.limits.cpus` that instances use on average; 80 unless `memory` is given.',
    ),
    memory: Text.optional().describe('Percent of `deploy.resources.limits.memory` that instances use on average.'),
  })
  .describe('In a cluster: it chooses how many instances run.')
  .meta({ id: 'autoscale' });

export const ServiceEveFile = z
  .object({
    role: z.enum(['component', 'worker', 'job']).optional(),
    external: z.boolean().optional().describe('true: neither built nor deployed.'),
    probes: z
      .object({ live: ProbeFile.optional(), ready: ProbeFile.optional(), startup: ProbeFile.optional() })
      .optional(),
    ingress: IngressFile.optional(),
    connection_url: ignored('write the URL into `environment` of the services that use it.'),
    autoscale: AutoscaleFile.optional(),
    pre_stop: Duration.optional().describe(
      'In a cluster: how long an instance that is to stop still takes requests; 5s unless given.',
    ),
    release_command: z
      .union([Command, ReleaseCommandFile])
      .optional()
      .describe('Run once per deploy in the image of the service before anything gets traffic, such as a migration.'),
    strategy: z
      .never()
      .optional()
      .describe(
        'Refused: a strategy belongs to a whole deploy. Write it as `x-eve.strategy` at the top, or as `strategy` of an environment.',
      ),
    target: ignored('this version builds images only.'),
    tcp_ingress: ignored('write the port as "5432/tcp" under `ports`.'),
    storage: ignored('use `volumes` with a named volume.'),
    files: ignored('put files into the image.'),
    worker_type: ignored('the role says what a service is.'),
    managed: ignored('this version does not run managed services; run the database as a service with an image.'),
    object_store: ignored('this version does not run managed services.'),
    api_spec: ignored('not used by deploys.'),
    api_specs: ignored('not used by deploys.'),
    cli: ignored('not used by deploys.'),
    networking: ignored('services use the network of the machine.'),
    permissions: ignored('services get no token of Eve.'),
  })
  .meta({ id: 'service_eve' });

const compose = 'the Docker deployer of this version does not set it.';

export const ServiceFile = z
  .object({
    image: z.string().optional().describe('Not needed with `build`: it is derived from the registry and the service.'),
    build: z.union([z.string(), BuildFile]).optional(),
    command: Command.optional(),
    entrypoint: Command.optional(),
    user: Text.optional(),
    working_dir: z.string().optional(),
    environment: TextMap.optional().describe(`Values may hold \${secret.NAME}.`),
    ports: z.array(z.union([z.string(), z.number(), PortFile])).optional(),
    expose: z.array(Count).optional(),
    healthcheck: CheckFile.optional(),
    depends_on: z
      .union([
        z.array(z.string()),
        z.record(
          z.string(),
          z.object({
            condition: z.enum(['started', 'healthy', 'service_started', 'service_healthy']).optional(),
            required: ignored('a dependency always comes first.'),
            restart: ignored('services are not restarted with what they depend on.'),
          }),
        ),
      ])
      .optional(),
    deploy: DeployFile.optional(),
    scale: Count.optional(),
    mem_limit: Size.optional(),
    cpus: Text.optional(),
    stop_grace_period: Duration.optional(),
    restart: z.union([z.string(), z.boolean()]).optional().describe('no, always, on-failure or unless-stopped.'),
    volumes: z.array(z.union([z.string(), VolumeFile])).optional(),
    'x-eve': ServiceEveFile.optional(),
    x_eve: ServiceEveFile.optional(),
    env_file: ignored('files of variables are not read; write the values under `environment`.'),
    networks: ignored('each environment has one network with a name for every service.'),
    container_name: ignored('Eve names containers.'),
    hostname: ignored('a service is reached by its name.'),
    labels: ignored('labels of services are not kept.'),
    annotations: ignored('annotations of services are not kept.'),
    logging: ignored('Eve reads what a service prints.'),
    links: ignored('a service is reached by its name.'),
    secrets: ignored(`use \`\${secret.NAME}\` in \`environment\`.`),
    configs: ignored('put files into the image.'),
    profiles: ignored('every service is deployed; use `x-eve.role: job` for one that is not.'),
    pull_policy: ignored('images are pulled by digest.'),
    platform: ignored('use `build.platforms`.'),
    develop: ignored('it is for editing, not for deploys.'),
    ...Object.fromEntries(
      ['privileged', 'cap_add', 'cap_drop', 'devices', 'dns', 'extra_hosts', 'init', 'ipc', 'network_mode', 'pid']
        .concat(['read_only', 'security_opt', 'shm_size', 'stdin_open', 'stop_signal', 'sysctls', 'tmpfs', 'tty'])
        .concat(['ulimits', 'mem_reservation', 'memswap_limit', 'group_add', 'domainname', 'extends'])
        .map((name) => [name, ignored(compose)]),
    ),
  })
  .meta({ id: 'service' });

import type { BuilderName, Capacity, DeployId, Id, OrganisationId, RegistryAction, RetentionPolicy } from '@eve/domain';
import type { Blobs } from './ports/blobs.ts';
import type { Builder, RegistryLogin } from './ports/builder.ts';
import type { Deployer } from './ports/deployer.ts';
import type { RegistryTokens, Vault } from './ports/keys.ts';
import type { LogSpool } from './ports/log-spool.ts';
import type { Logs } from './ports/logs.ts';
import type { RegistryReader } from './ports/registry-reader.ts';
import type { RegistryStorage } from './ports/registry-storage.ts';
import type { Router } from './ports/router.ts';
import type { Runner } from './ports/runner.ts';
import type { Source } from './ports/source.ts';
import type { Store } from './ports/store.ts';
import type { WorkQueue } from './ports/work-queue.ts';

/** Constant sentence plus fields; no secret is ever a field. */
export interface Log {
  info(fields: object, sentence: string): void;
  warn(fields: object, sentence: string): void;
  error(fields: object, sentence: string): void;
}

/** Places where a test may end the process, to see that what follows is done or undone after a restart. */
export type Failpoint =
  | 'after-claim'
  | 'in-clone'
  | 'after-checkout'
  | 'in-build'
  | 'after-push'
  | 'before-complete'
  | 'after-plan'
  | 'after-release-command'
  | 'after-start-instances'
  | 'in-rolling'
  | 'in-canary'
  | 'before-switch'
  | 'after-switch'
  | 'in-stabilising'
  | 'before-healthy'
  | 'after-healthy'
  | 'before-retire'
  | 'in-retire';

/** What the operator decided. */
export interface Settings {
  readonly installation: string;
  readonly localSources: boolean;
  readonly buildReuse: boolean;
  readonly buildBackend: BuilderName | null;
  /** How long a run may wait for its start. */
  readonly buildQueueTimeoutMs: number;
  /** How long everything before the first Dockerfile step may take: source, secrets, planning. */
  readonly buildPrepareTimeoutMs: number;
  /** Where builds that say nothing about it keep their layers besides the engine: nowhere else, or the project's own cache repository. */
  readonly buildCache: 'engine' | 'registry';
  /** What this machine has, where builds run on it; null where they run elsewhere. */
  readonly machine: Capacity | null;
  /** The image that lists an image's packages; null: no SBOM. */
  readonly sbomScanner: string | null;
  /** Below it lie local layer caches, one directory per project and service. */
  readonly cacheDir: string;
  /** The registry that Eve runs, as the builder, the engine and people reach it; null when there is none. */
  readonly registryHost: string | null;
  readonly registryService: string;
  readonly internalApiKey: string | null;
  readonly domain: string;
  readonly routerPort: number;
  readonly servicePortsFrom: number;
  /** Where services are reached: at ports of this machine and by host names of its router, or inside a cluster and by its ingress. */
  readonly addresses: 'machine' | 'cluster';
  /** Whether instances are started again, and so pulled, long after their deploy: then logins last as long as their environment. */
  readonly lastingLogins: boolean;
  readonly defaultTier: 'free' | 'pro' | 'enterprise' | 'dedicated';
  readonly publicUrl: string;
  /** How long old instances may finish what they have, at most. */
  readonly drainMs: number;
  /** How long a revision is watched after its switch, where neither environment nor manifest says. */
  readonly stabiliseMs: number;
  /** How often what runs is compared with what is recorded; 0: never. */
  readonly driftMs: number;
  readonly retention: RetentionPolicy;
  /** Whether Eve's own process shares its build engine between tenants: refused with more than one. */
  readonly sharedEngine: boolean;
}

/** Everything operations use. Each takes what it needs: `Pick<Platform, 'store' | 'now'>`. */
export interface Platform {
  readonly store: Store;
  readonly queue: WorkQueue;
  readonly logs: Logs;
  readonly logSpool: LogSpool;
  readonly blobs: Blobs;
  readonly vault: Vault;
  readonly source: Source;
  readonly builders: Readonly<Partial<Record<BuilderName, Builder>>>;
  readonly registry: RegistryReader;
  readonly registryTokens: RegistryTokens | null;
  /** Passwords for the registry that Eve runs, valid for one run or deploy. */
  readonly registryLogins: RegistryLogins;
  readonly deployer: Deployer;
  readonly router: Router;
  readonly runner: Runner;
  /** Of the registry that Eve runs; null when there is none, or it is not Eve's to stop. */
  readonly registryStorage: RegistryStorage | null;
  readonly settings: Settings;
  readonly log: Log;
  now(): Date;
  newId<Prefix extends string>(prefix: Prefix): Id<Prefix>;
  failpoint(name: Failpoint): void;
}

/** Run-scoped passwords: stateless, signed, opening only what the run's project owns. */
export interface RegistryLogins {
  issue(grant: {
    tenantId: OrganisationId;
    subject: string;
    prefix: string;
    actions: readonly RegistryAction[];
    expiresAt: Date;
  }): Promise<RegistryLogin>;
  /** What a presented password opens, null when it is wrong, expired or its run has ended. */
  check(
    username: string,
    password: string,
    at: Date,
  ): Promise<{ subject: string; prefix: string; actions: readonly RegistryAction[] } | null>;
}

export type { DeployId };

import type {
  ConfigVersionId,
  DeployId,
  EnvironmentId,
  OrganisationId,
  ProjectId,
  ReleaseId,
  RevisionId,
  SecretVersionId,
} from './id.ts';
import type { Manifest } from './manifest.ts';
import { defaultStrategy, defaultUpdate, type Strategy } from './strategy.ts';

/** Where releases run. */
export interface Environment {
  readonly id: EnvironmentId;
  readonly tenantId: OrganisationId;
  readonly projectId: ProjectId;
  readonly name: string;
  readonly kind: 'persistent' | 'temporary';
  readonly status: 'active' | 'suspended';
  readonly suspendedReason: string | null;
  readonly settings: EnvironmentSettings;
  /** Set by a person: nothing is deployed until it is taken away. */
  readonly lock: EnvironmentLock | null;
  readonly currentRevisionId: RevisionId | null;
  readonly lastDeployId: DeployId | null;
  readonly createdAt: Date;
}

/** What is set on the environment itself; null: as the manifest says, and where it says nothing the default. */
export interface EnvironmentSettings {
  readonly strategy: Strategy | null;
  readonly approval: boolean | null;
  /** Whether triggers may deploy here without being asked. */
  readonly autoDeploy: boolean | null;
  /** Takes tagged releases only, is not deleted, and nobody approves their own deploy. */
  readonly protected: boolean | null;
  readonly drift: 'report' | 'repair' | null;
  /** Whether a revision that turns out unstable after its switch gives way to the one before by itself. */
  readonly autoRollback: boolean | null;
  readonly stabiliseMs: number | null;
}

export const noEnvironmentSettings: EnvironmentSettings = {
  strategy: null,
  approval: null,
  autoDeploy: null,
  protected: null,
  drift: null,
  autoRollback: null,
  stabiliseMs: null,
};

/** Settings with every gap filled: what counts for a deploy. */
export interface EnvironmentRules {
  readonly strategy: Strategy;
  readonly approval: boolean;
  readonly autoDeploy: boolean;
  readonly protected: boolean;
  readonly drift: 'report' | 'repair';
  readonly autoRollback: boolean;
  readonly stabiliseMs: number;
}

export interface EnvironmentLock {
  readonly holder: string;
  readonly reason: string;
  readonly since: Date;
}

/** The settings of an environment over those of its manifest over the defaults. */
export function environmentRules(
  { name, settings }: Pick<Environment, 'name' | 'settings'>,
  manifest: Pick<Manifest, 'strategy' | 'environments' | 'services'> | null,
  { stabiliseMs }: { readonly stabiliseMs: number },
): EnvironmentRules {
  const written = manifest?.environments[name];
  const implied: Strategy = manifest && saysHowToUpdate(manifest) ? { kind: 'rolling' } : defaultStrategy;
  return {
    strategy: settings.strategy ?? written?.strategy ?? manifest?.strategy ?? implied,
    approval: settings.approval ?? written?.approval ?? false,
    autoDeploy: settings.autoDeploy ?? written?.autoDeploy ?? false,
    protected: settings.protected ?? false,
    drift: settings.drift ?? written?.drift ?? 'report',
    autoRollback: settings.autoRollback ?? written?.autoRollback ?? true,
    stabiliseMs: settings.stabiliseMs ?? written?.stabiliseMs ?? stabiliseMs,
  };
}

/** A service that says how its replicas are replaced wants them replaced one after another. */
function saysHowToUpdate({ services }: Pick<Manifest, 'services'>): boolean {
  return Object.values(services).some(({ update }) => updateWords.some((word) => update[word] !== defaultUpdate[word]));
}

const updateWords = ['parallelism', 'delayMs', 'order', 'failureAction', 'monitorMs'] as const;

/** The configuration of an environment at one time: append-only, versioned per environment. */
export interface ConfigVersion {
  readonly id: ConfigVersionId;
  readonly tenantId: OrganisationId;
  readonly environmentId: EnvironmentId;
  readonly number: number;
  /** Service name, or `*` for every service, → name → value. */
  readonly values: Readonly<Record<string, Readonly<Record<string, ConfigValue>>>>;
  readonly message: string | null;
  readonly createdBy: string | null;
  readonly createdAt: Date;
}

export type ConfigValue = { readonly plain: string } | { readonly secret: string };

/** Release + configuration in one environment: the twelve-factor release, shown as `staging#12`. Never changes. */
export interface Revision {
  readonly id: RevisionId;
  readonly tenantId: OrganisationId;
  readonly projectId: ProjectId;
  readonly environmentId: EnvironmentId;
  /** Gapless per environment. */
  readonly number: number;
  readonly releaseId: ReleaseId;
  readonly configVersionId: ConfigVersionId;
  /** The secret versions this revision was made with. */
  readonly secretVersions: Readonly<Record<string, SecretVersionId>>;
  readonly restoredFrom: RevisionId | null;
  readonly createdBy: string | null;
  readonly createdAt: Date;
}

/** Environment names are parts of host names: as slugs, at most 20 long. */
export function isEnvironmentName(text: string): boolean {
  return /^[a-z][a-z0-9]*(-[a-z0-9]+)*$/.test(text) && text.length <= 20;
}

/** The configuration of one service: its own values over those of `*`. */
export function configurationOf(version: Pick<ConfigVersion, 'values'>, service: string): Record<string, ConfigValue> {
  return { ...version.values['*'], ...version.values[service] };
}

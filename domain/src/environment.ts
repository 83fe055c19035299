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

/** Where releases run. */
export interface Environment {
  readonly id: EnvironmentId;
  readonly tenantId: OrganisationId;
  readonly projectId: ProjectId;
  readonly name: string;
  readonly kind: 'persistent' | 'temporary';
  readonly status: 'active' | 'suspended';
  readonly currentRevisionId: RevisionId | null;
  readonly lastDeployId: DeployId | null;
  readonly createdAt: Date;
}

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
export function configurationOf(version: ConfigVersion, service: string): Record<string, ConfigValue> {
  return { ...version.values['*'], ...version.values[service] };
}

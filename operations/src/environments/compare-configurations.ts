import { type ConfigChange, type ConfigVersion, configChanges, type Environment, type ProjectId } from '@eve/domain';
import type { Caller } from '../caller.ts';
import type { Platform } from '../platform.ts';
import { findConfigVersion } from './get-configuration.ts';
import { findEnvironment } from './get-environment.ts';

/** A configuration to compare: of an environment, the version of a number or the newest. */
export interface ConfigSide {
  readonly envName: string;
  readonly number?: number;
}

/** One side as it was found; null: the environment has no configuration, which is compared as an empty one. */
export interface ComparedSide {
  readonly environment: Environment;
  readonly version: ConfigVersion | null;
}

export interface ComparedConfigurations {
  readonly from: ComparedSide;
  readonly to: ComparedSide;
  readonly changes: readonly ConfigChange[];
}

/** What is set differently in two versions, or in two environments. Within one environment, without a number, what its last change changed. */
export async function compareConfigurations(
  platform: Pick<Platform, 'store'>,
  caller: Caller,
  projectId: ProjectId,
  { from, to }: { from: ConfigSide; to: ConfigSide },
): Promise<ComparedConfigurations> {
  const last = await side(to);
  const previous = (last.version?.number ?? 1) - 1;
  const first =
    from.number === undefined && from.envName === to.envName
      ? { environment: last.environment, version: previous === 0 ? null : await versionOf(last.environment, previous) }
      : await side(from);
  return { from: first, to: last, changes: configChanges(first.version?.values ?? {}, last.version?.values ?? {}) };

  async function side({ envName, number }: ConfigSide): Promise<ComparedSide> {
    const environment = await findEnvironment(platform, caller, 'read', projectId, envName);
    return { environment, version: await versionOf(environment, number) };
  }

  async function versionOf(environment: Environment, number: number | undefined): Promise<ConfigVersion | null> {
    if (number === undefined) return platform.store.configVersions.latest(environment.tenantId, environment.id);
    return number === 0 ? null : findConfigVersion(platform, environment, number);
  }
}

import type { ConfigChange, ConfigVersion } from '@eve/domain';
import type { ComparedConfigurations, ComparedSide } from '@eve/operations';
import type * as contract from '../contract/index.ts';
import { iso } from './time.ts';

export function presentConfigVersion(version: ConfigVersion): contract.ConfigVersion {
  return {
    id: version.id,
    environment_id: version.environmentId,
    number: version.number,
    values: Object.fromEntries(Object.entries(version.values).map(([service, values]) => [service, { ...values }])),
    message: version.message,
    created_by: version.createdBy,
    created_at: iso(version.createdAt),
  };
}

export function presentConfigChange({ service, name, before, after }: ConfigChange): contract.ConfigChange {
  const change = before === null ? 'added' : after === null ? 'removed' : 'changed';
  return { service, name, change, before, after };
}

export function presentConfigDiff({ from, to, changes }: ComparedConfigurations): contract.ConfigDiff {
  return { from: presentSide(from), to: presentSide(to), changes: changes.map(presentConfigChange) };
}

function presentSide({ environment, version }: ComparedSide): contract.ConfigDiff['from'] {
  return {
    environment: environment.name,
    version: version?.number ?? null,
    message: version?.message ?? null,
    created_by: version?.createdBy ?? null,
    created_at: version && iso(version.createdAt),
  };
}

import { type Environment, noEnvironmentSettings } from '@eve/domain';

/** Settings of before have fewer fields; times inside JSON come back as text. */
export function readEnvironment(row: Environment): Environment {
  const { settings, lock } = row;
  return {
    ...row,
    settings: { ...noEnvironmentSettings, ...settings },
    lock: lock && { ...lock, since: new Date(lock.since) },
  };
}

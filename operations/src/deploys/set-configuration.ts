import {
  type ConfigChange,
  type ConfigValue,
  type ConfigVersion,
  changedValues,
  configChanges,
  type Deploy,
  type Environment,
  PlatformError,
  type ProjectId,
} from '@eve/domain';
import type { Caller } from '../caller.ts';
import { findConfigVersion } from '../environments/get-configuration.ts';
import { findEnvironment } from '../environments/get-environment.ts';
import { parseManifest } from '../manifests/parse-manifest.ts';
import type { Platform } from '../platform.ts';
import { missingSecretsOf } from '../secrets/missing-secrets.ts';
import { ageInWords } from './age-in-words.ts';
import { checkChange, checkSize, doubtsAbout } from './check-configuration.ts';
import { queueDeploy } from './queue-deploy.ts';

export interface SetConfiguration {
  readonly projectId: ProjectId;
  readonly envName: string;
  /** `*`, the default, is every service. */
  readonly service?: string;
  readonly set?: Readonly<Record<string, ConfigValue>>;
  readonly unset?: readonly string[];
  /** The number of an earlier version whose values all come back, before anything is set and unset. */
  readonly restore?: number;
  readonly message?: string | null;
  /** The version that this change was made against, 0 before the first; refused when there is a newer one. */
  readonly expectedVersion?: number;
  /** Whether what runs is deployed with it at once; the default. */
  readonly deploy?: boolean;
}

export interface ChangedConfiguration {
  /** The newest after this; null while there is none. */
  readonly version: ConfigVersion | null;
  /** Empty: nothing was to change, so there is no new version and no deploy. */
  readonly changes: readonly ConfigChange[];
  readonly deploy: Deploy | null;
  readonly warnings: readonly string[];
}

type Needs = Pick<Platform, 'store' | 'now' | 'newId' | 'vault' | 'settings'>;

/** Others who change the same environment at the same time are let by so often. */
const attempts = 5;

/**
 * Adds a version of an environment's configuration and, unless told not to, deploys the running release with it. A change that
 * changes nothing makes neither. Throws `configuration_changed` when it was made against a version that is not the newest.
 */
export async function setConfiguration(
  platform: Needs,
  caller: Caller,
  request: SetConfiguration,
): Promise<ChangedConfiguration> {
  const { store } = platform;
  const { projectId, envName, service = '*', set = {}, unset = [], restore, expectedVersion } = request;
  const environment = await findEnvironment(platform, caller, 'configure', projectId, envName);
  checkChange({ service, set, unset });
  const base = restore === undefined ? null : await findConfigVersion(platform, environment, restore);
  const warnings = await warningsOf(platform, environment, { service, set, unset });

  for (let attempt = 1; ; attempt++) {
    const before = await store.configVersions.latest(environment.tenantId, environment.id);
    if (expectedVersion !== undefined && expectedVersion !== (before?.number ?? 0))
      throw changedSince(environment, expectedVersion, before, platform.now());
    const values = changedValues((base ?? before)?.values ?? {}, service, { set, unset });
    checkSize(values);
    const changes = configChanges(before?.values ?? {}, values);
    const told = [...warnings, ...elsewhere(values, service, unset)];
    if (changes.length === 0) return { version: before, changes, deploy: null, warnings: told };
    const first = environment.currentRevisionId ? [] : ['Nothing runs yet: the first deploy takes this along.'];
    try {
      return {
        changes,
        warnings: [...told, ...first],
        ...(await record(platform, caller, environment, { before, values, request })),
      };
    } catch (error) {
      if (!(error instanceof OutOfTurn) || attempt === attempts) throw error;
    }
  }
}

async function record(
  platform: Needs,
  { actor }: Caller,
  environment: Environment,
  {
    before,
    values,
    request,
  }: { before: ConfigVersion | null; values: ConfigVersion['values']; request: SetConfiguration },
): Promise<{ version: ConfigVersion; deploy: Deploy | null }> {
  const { store, now, newId } = platform;
  const { tenantId, id: environmentId, currentRevisionId } = environment;
  const { restore, message, deploy = true } = request;
  const wanted = {
    id: newId('cfg'),
    tenantId,
    environmentId,
    values,
    message: message ?? (restore === undefined ? null : `As in version ${restore}`),
    createdBy: actor,
    createdAt: now(),
  };
  if (!deploy || !currentRevisionId) {
    const version = await store.transaction(async ({ configVersions }) =>
      inTurn(await configVersions.insert(wanted), before),
    );
    return { version, deploy: null };
  }
  const current = await store.revisions.get(tenantId, currentRevisionId);
  const made = await queueDeploy(platform, {
    environment,
    release: await store.releases.get(tenantId, current.releaseId),
    cause: 'configuration',
    actor,
    newConfig: wanted,
    also: async (_records, { config }) => void inTurn(config, before),
  });
  return { version: made.config, deploy: made.deploy };
}

/** Somebody else has changed the configuration since it was read. */
class OutOfTurn extends PlatformError {
  constructor() {
    super('record_changed', 'The configuration was changed by others at the same time: try again.');
  }
}

/** Takes back, by what it throws, a version that would undo what somebody else has set since it was read. */
function inTurn(version: ConfigVersion, before: ConfigVersion | null): ConfigVersion {
  if (version.number === (before?.number ?? 0) + 1) return version;
  throw new OutOfTurn();
}

function changedSince({ name }: Environment, expected: number, newest: ConfigVersion | null, at: Date): PlatformError {
  const why = newest?.message ? ` ("${newest.message}")` : '';
  const is = newest
    ? `is at version ${newest.number} since ${ageInWords(newest.createdAt, at)} ago, by ${newest.createdBy ?? 'the system'}${why}`
    : 'has no version yet';
  const look =
    newest && expected > 0 && expected < newest.number
      ? ` Look at \`eve config diff ${name} ${expected}..${newest.number}\`, then change it again.`
      : ` Look at \`eve config list ${name}\`, then change it again.`;
  const message = `The configuration of ${name} ${is}; this change was made against version ${expected}.${look}`;
  return new PlatformError('configuration_changed', message, {
    details: [{ path: 'expected_version', message: `the newest is ${newest?.number ?? 0}` }],
  });
}

async function warningsOf(
  { store }: Needs,
  { tenantId, projectId }: Environment,
  asked: { service: string; set: Readonly<Record<string, ConfigValue>>; unset: readonly string[] },
): Promise<readonly string[]> {
  const latest = asked.service === '*' ? null : await store.manifests.latest(tenantId, projectId);
  const manifest = latest && parseManifest(latest.manifest.yaml).manifest;
  const doubts = doubtsAbout(asked, manifest?.services ? Object.keys(manifest.services) : null);
  const secrets = Object.values(asked.set).flatMap((value) => ('secret' in value ? [value.secret] : []));
  const missing = await missingSecretsOf(store, { tenantId, id: projectId }, secrets);
  const unset = missing.map((key) => `Secret ${key} is not set yet: deploys are refused until it is.`);
  return [...doubts, ...unset];
}

/** Names that were to be unset and are set still, for another service. */
function elsewhere(values: ConfigVersion['values'], service: string, unset: readonly string[]): readonly string[] {
  return unset.flatMap((name) => {
    const others = Object.keys(values).filter((other) => other !== service && Object.hasOwn(values[other] ?? {}, name));
    const places = others.map((other) => (other === '*' ? 'every service' : other));
    return places.length === 0
      ? []
      : [`${name} is set for ${places.join(', ')} still: unset it there too if it is to go.`];
  });
}

import {
  type DeployCause,
  type Environment,
  type EnvironmentRules,
  PlatformError,
  type Release,
  type ReleaseBlock,
  retentionActor,
} from '@eve/domain';
import { lockedBy } from '../environments/lock-environment.ts';
import { ageInWords } from './age-in-words.ts';

/** What decides whether a release may be brought to an environment now. */
export interface Gated {
  readonly environment: Environment;
  readonly rules: Pick<EnvironmentRules, 'protected'>;
  readonly cause: DeployCause;
  /** Null where it is made later, such as by a pipeline: what asks for it is judged again then. */
  readonly release: Pick<Release, 'id' | 'tag' | 'local'> | null;
  readonly block: ReleaseBlock | null;
  readonly at: Date;
}

/** Every reason against a deploy, the weightiest first; empty when it may go on. */
export function refusalsOf({ environment, rules, cause, release, block, at }: Gated): readonly PlatformError[] {
  const refusals: PlatformError[] = [];
  const { name, status, suspendedReason, lock } = environment;
  if (status === 'suspended') {
    const why = suspendedReason ? ` (${suspendedReason})` : '';
    refusals.push(
      new PlatformError(
        'environment_suspended',
        `Environment ${name} is suspended${why}: resume it first, \`eve env resume ${name}\`.`,
      ),
    );
  }
  if (lock) refusals.push(lockedBy(environment, lock, at));
  if (release && block) {
    refusals.push(
      new PlatformError(
        'release_blocked',
        block.blockedBy === retentionActor
          ? `Release ${nameOf(release)} cannot run any more: ${block.reason}.`
          : `Release ${nameOf(release)} was blocked by ${block.blockedBy} ${ageInWords(block.blockedAt, at)} ago: ${block.reason}. Deploy another one, or \`eve release unblock ${nameOf(release)}\`.`,
      ),
    );
  }
  // A repair brings nothing new: it starts again what was let in.
  if (rules.protected && release && cause !== 'repair' && (release.tag === null || release.local)) {
    const what = release.local ? 'was made of images that only this machine holds' : 'has no tag';
    refusals.push(
      new PlatformError(
        'environment_protected',
        `Environment ${name} is protected and takes tagged releases only; release ${release.id} ${what}. Make one: \`eve release create --build <build id> --version <version>\`.`,
      ),
    );
  }
  return refusals;
}

/** Throws the weightiest reason against a deploy. */
export function refuseAny(refusals: readonly PlatformError[]): void {
  const [first] = refusals;
  if (first) throw first;
}

function nameOf({ id, tag }: Pick<Release, 'id' | 'tag'>): string {
  return tag ?? id;
}

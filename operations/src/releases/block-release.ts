import { PlatformError, type ProjectId, type Release, type ReleaseBlock, retentionActor } from '@eve/domain';
import { authorize, type Caller } from '../caller.ts';
import { recordAct } from '../organisations/record-act.ts';
import { invalidField } from '../organisations/refuse.ts';
import type { Platform } from '../platform.ts';
import { getRelease } from './read-releases.ts';

type Needs = Pick<Platform, 'store' | 'now'>;

const longestReason = 500;

/** Says that a release must not be deployed any more, by anybody or anything; what runs of it stays. Blocking again changes the reason. */
export async function blockRelease(
  platform: Needs,
  caller: Caller,
  { release: idOrTag, projectId, reason }: { release: string; projectId?: ProjectId; reason: string },
): Promise<{ release: Release; block: ReleaseBlock }> {
  const release = await releaseToChange(platform, caller, idOrTag, projectId);
  const block: ReleaseBlock = {
    releaseId: release.id,
    reason: checkedReason(reason),
    blockedBy: caller.actor,
    blockedAt: platform.now(),
  };
  await platform.store.transaction(async (records) => {
    await records.releases.block(release.tenantId, block);
    await recordAct(records, caller, {
      ...{ subjectKind: 'release', subjectId: release.id, from: null, to: 'blocked', event: 'block' },
      at: block.blockedAt,
    });
  });
  return { release, block };
}

/** Allows a release to be deployed again. One that was not blocked stays as it is. */
export async function unblockRelease(
  platform: Needs,
  caller: Caller,
  { release: idOrTag, projectId }: { release: string; projectId?: ProjectId },
): Promise<Release> {
  const release = await releaseToChange(platform, caller, idOrTag, projectId);
  await platform.store.transaction(async (records) => {
    const [block] = await records.releases.blocks(release.tenantId, [release.id]);
    if (block?.blockedBy === retentionActor) {
      throw new PlatformError(
        'release_blocked',
        `Release ${release.tag ?? release.id} stays blocked: ${block.reason}. Build its commit and release it again.`,
      );
    }
    if (!(await records.releases.unblock(release.tenantId, release.id))) return;
    await recordAct(records, caller, {
      ...{ subjectKind: 'release', subjectId: release.id, from: 'blocked', to: 'allowed', event: 'unblock' },
      at: platform.now(),
    });
  });
  return release;
}

async function releaseToChange(
  platform: Needs,
  caller: Caller,
  idOrTag: string,
  projectId: ProjectId | undefined,
): Promise<Release> {
  const release = await getRelease(platform, caller, idOrTag, projectId);
  authorize(caller, 'release', release.projectId);
  return release;
}

function checkedReason(text: string): string {
  const reason = text.trim();
  if (reason.length >= 1 && reason.length <= longestReason && !/\p{Cc}/u.test(reason)) return reason;
  throw invalidField('reason', `Give a reason of 1 to ${longestReason} characters on one line.`);
}

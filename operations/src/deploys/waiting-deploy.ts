import type { Deploy } from '@eve/domain';
import type { Platform } from '../platform.ts';
import { waitingInWords } from '../work/waiting-in-words.ts';
import { deployBefore } from './read-deploys.ts';

/** Why a deploy has not begun, as a sentence that stays the same while nothing changes; null once it has. */
export async function waitingDeploy(
  platform: Pick<Platform, 'store' | 'queue'>,
  deploy: Deploy,
): Promise<string | null> {
  const { id, status, approvedAt } = deploy;
  if (status === 'awaiting_approval' && approvedAt === null)
    return `Waiting for an approval: \`eve deploy approve ${id}\`.`;
  const before = await deployBefore(platform, deploy);
  if (before) {
    const begun = before.startedAt ? `, begun at ${before.startedAt.toISOString()}` : '';
    const waiting = `Waiting for deploy ${before.id} by ${before.createdBy ?? 'the system'} (${before.phase ?? before.status}${begun}).`;
    return before.phase === 'paused' ? `${waiting} ${wayOut(before)}` : waiting;
  }
  return status === 'deploying' ? null : waitingInWords(await platform.queue.position('execute-deploy', id));
}

/** Nothing but a person ends it, however long another deploy waits, be it a rollback. */
function wayOut({ id }: Deploy): string {
  return `That one goes on only when somebody says so: \`eve deploy promote ${id}\`, or \`eve deploy abort ${id}\` to go back to what served before.`;
}

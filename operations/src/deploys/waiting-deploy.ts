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
    return `Waiting for deploy ${before.id} by ${before.createdBy ?? 'the system'} (${before.phase ?? before.status}${begun}).`;
  }
  return status === 'deploying' ? null : waitingInWords(await platform.queue.position('execute-deploy', id));
}

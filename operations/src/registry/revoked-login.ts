import { isId } from '@eve/domain';
import type { Platform } from '../platform.ts';

/** Whether what a login of Eve's registry was given to has come to its end: a build run, a deploy, or an environment that was deleted. */
export async function isLoginRevoked({ store }: Pick<Platform, 'store'>, subject: string): Promise<boolean> {
  if (isId('brun', subject)) return store.buildRuns.hasEnded(subject);
  if (isId('dep', subject)) return store.deploys.hasEnded(subject);
  return isId('env', subject) && store.environments.isGone(subject);
}

import { isSlug, type Organisation, PlatformError, slugOf, type Tier, tierLimits } from '@eve/domain';
import type { Caller } from '../caller.ts';
import type { Platform } from '../platform.ts';
import { recordAct } from './record-act.ts';
import { authorizeOperator, checkedName, invalidField } from './refuse.ts';

/** A small organisation may still bring several environments up at once. */
const fewestDeploys = 4;

/** Makes a tenant with the limits of its tier. Only the operator of the installation may. */
export async function createOrganisation(
  {
    store,
    now,
    newId,
    settings,
  }: Pick<Platform, 'store' | 'now' | 'newId'> & {
    settings: Pick<Platform['settings'], 'defaultTier'>;
  },
  caller: Caller,
  { slug, name, tier = settings.defaultTier }: { slug?: string; name: string; tier?: Tier },
): Promise<Organisation> {
  authorizeOperator(caller, 'makes organisations');
  const organisation: Organisation = {
    id: newId('org'),
    slug: slug ?? slugOf(name),
    name: checkedName(name),
    tier,
    createdAt: now(),
  };
  if (!isSlug(organisation.slug)) {
    throw invalidField(
      'slug',
      'Give a slug of at most 20 lower-case letters, digits and single hyphens, a letter first.',
    );
  }
  await store.transaction(async (records) => {
    if (await records.organisations.findBySlug(organisation.slug)) {
      throw new PlatformError('organisation_exists', `There is an organisation "${organisation.slug}" already.`);
    }
    const { concurrentBuilds } = tierLimits[tier];
    await records.organisations.insert(organisation);
    await records.queue.setLane(organisation.id, 'build', concurrentBuilds);
    await records.queue.setLane(organisation.id, 'deploy', Math.max(concurrentBuilds, fewestDeploys));
    await recordAct(records, caller, {
      tenantId: organisation.id,
      subjectKind: 'organisation',
      subjectId: organisation.id,
      from: null,
      to: 'active',
      event: 'create',
      at: organisation.createdAt,
    });
  });
  return organisation;
}

import type { Tier } from '@eve/domain';
import { type Caller, createOrganisation, createToken, type Platform } from '@eve/operations';

/** Who acts where nobody has a token yet: whoever can start processes of this installation. */
const operator: Omit<Caller, 'tenantId'> = { actor: 'system', scopes: ['admin'], projectId: null, operator: true };

/** Makes a token with every right in an organisation, which is made when it is not there. Answers with the token's text. */
export async function firstToken(
  platform: Pick<Platform, 'store' | 'now' | 'newId'>,
  { slug, name, tier }: { slug: string; name: string; tier: Tier },
): Promise<string> {
  const organisation =
    (await platform.store.organisations.findBySlug(slug)) ??
    (await createOrganisation(
      { ...platform, settings: { defaultTier: tier } },
      { ...operator, tenantId: 'org_' },
      { slug, name },
    ));
  const { text } = await createToken(
    platform,
    { ...operator, tenantId: organisation.id },
    { name: `${slug}-${platform.now().toISOString().slice(0, 19).replace(/\D/g, '')}`, scopes: ['admin'] },
  );
  return text;
}

import { command, text } from '../../command.ts';
import { fields } from '../../output/text.ts';

export const orgCreate = command({
  name: 'org create',
  summary: 'make an organisation; only the operator may',
  arguments: ['<name>'],
  options: {
    slug: text('<slug>', 'its short name; made of the name when left out'),
    tier: text('<tier>', 'free, pro, enterprise or dedicated'),
  },

  async run({ api, answer }, { slug, tier }, [name]) {
    // The server knows the tiers and says so.
    const made = await api.createOrganisation({ name, ...(slug && { slug }), ...(tier && { tier: tier as 'free' }) });
    answer(made, () => [`Organisation created: ${made.slug}`, ...fields({ ID: made.id, Tier: made.tier })]);
  },
});

import { command } from '../../command.ts';
import { table, when } from '../../output/text.ts';
import { listed, pageQuery, paging } from '../paging.ts';

export const orgList = command({
  name: 'org list',
  summary: 'list the organisations that you may see',
  options: paging,

  async run({ api, answer }, options) {
    const organisations = await api.listOrganisations(pageQuery(options));
    answer(organisations, () =>
      listed(organisations, 'organisation', (items) =>
        table(
          ['Slug', 'Organisation ID', 'Tier', 'Created'],
          items.map(({ slug, id, tier, created_at: at }) => [slug, id, tier, when(at)]),
        ),
      ),
    );
  },
});

import { command } from '../../command.ts';
import { table, when } from '../../output/text.ts';
import { listed, pageQuery, paging } from '../paging.ts';

export const envList = command({
  name: 'env list',
  summary: 'list the environments of a project',
  options: paging,

  async run(context, options) {
    const environments = await context.api.listEnvironments(await context.project(), pageQuery(options));
    context.answer(environments, () =>
      listed(environments, 'environment', (items) =>
        table(
          ['Name', 'Type', 'Status', 'Deployed', 'Created'],
          items.map((each) => [
            each.name,
            each.type,
            each.status,
            each.current_revision_id ? 'yes' : 'no',
            when(each.created_at),
          ]),
        ),
      ),
    );
  },
});

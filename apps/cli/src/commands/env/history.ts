import { command } from '../../command.ts';
import { historyTable } from '../../show/deploy-list.ts';
import { listed, pageQuery, paging } from '../paging.ts';

export const envHistory = command({
  name: 'env history',
  summary: 'list the revisions of an environment, newest first, and which a rollback can bring back',
  arguments: ['<env>'],
  options: paging,

  async run(context, options, [name]) {
    const revisions = await context.api.listRevisions(await context.project(), name, pageQuery(options));
    context.answer(revisions, () => listed(revisions, 'revision', (items) => historyTable(name, items)));
  },
});

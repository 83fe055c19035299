import { command, text } from '../../command.ts';
import { deployTable } from '../../show/deploy-list.ts';
import { listed, pageQuery, paging } from '../paging.ts';

export const envDeploys = command({
  name: 'env deploys',
  summary: 'list the deploys of an environment, newest first',
  arguments: ['<env>'],
  options: {
    ...paging,
    status: text('<status>', 'only these: pending, deploying, healthy, failed, cancelled, superseded'),
  },

  async run(context, { status, ...page }, [name]) {
    // The server knows which statuses there are and says so.
    const query = { ...pageQuery(page), ...(status && { status: status as 'pending' }) };
    const deploys = await context.api.listDeploys(await context.project(), name, query);
    context.answer(deploys, () => listed(deploys, 'deploy', deployTable));
  },
});

import { command, text } from '../../command.ts';
import { deployTable } from '../../show/deploy-list.ts';
import { listed, pageQuery, paging } from '../paging.ts';

export const deployList = command({
  name: 'deploy list',
  summary: 'list the deploys of a project, newest first',
  options: {
    env: text('<env>', 'only to this environment'),
    status: text('<status>', 'pending, awaiting_approval, deploying, healthy, failed, cancelled or superseded'),
    cause: text('<cause>', 'pipeline, direct, rollback, configuration or repair'),
    by: text('<who>', 'only those that this one asked for, such as token:ci'),
    release: text('<tag|id>', 'only of this release'),
    since: text('<time>', 'only those asked for since then: 24h, 7d, 2026-01-31 or 2026-01-31T12:00:00Z'),
    ...paging,
  },
  examples: ['eve deploy list --env production --status failed --since 7d'],

  async run(context, { env, status, cause, by, release, since, ...page }) {
    const deploys = await context.api.listProjectDeploys(await context.project(), {
      ...pageQuery(page),
      ...(env !== undefined && { environment: env }),
      // The server knows which words there are and says so.
      ...(status !== undefined && { status: status as 'pending' }),
      ...(cause !== undefined && { cause: cause as 'direct' }),
      ...(by !== undefined && { created_by: by }),
      ...(release !== undefined && { release }),
      ...(since !== undefined && { since }),
    });
    context.answer(deploys, () => listed(deploys, 'deploy', deployTable));
  },
});

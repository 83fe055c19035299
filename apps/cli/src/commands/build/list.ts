import { command, text } from '../../command.ts';
import { buildTable } from '../../show/build.ts';
import { listed, pageQuery, paging } from '../paging.ts';

export const buildList = command({
  name: 'build list',
  summary: 'list the builds of a project, newest first',
  options: {
    ...paging,
    sha: text('<sha>', 'only builds of this commit'),
    status: text('<status>', 'only builds whose newest run is pending, building, completed, failed or cancelled'),
    service: text('<name>', 'only builds that cover this service'),
    since: text('<time>', 'only builds made since then: 24h, 7d, 2026-01-31 or 2026-01-31T12:00:00Z'),
  },
  examples: ['eve build list --status failed --since 24h', 'eve build list --service web --limit 5 --json'],

  async run(context, { sha, status, service, since, ...page }) {
    const query = {
      ...pageQuery(page),
      ...(sha && { git_sha: sha }),
      // The server knows which statuses there are and says so.
      ...(status && { status: status as 'pending' }),
      ...(service && { service }),
      ...(since && { since }),
    };
    const builds = await context.api.listBuilds(await context.project(), query);
    context.answer(builds, () => listed(builds, 'build', buildTable));
  },
});

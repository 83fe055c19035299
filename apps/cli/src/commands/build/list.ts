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
  },

  async run(context, { sha, status, ...page }) {
    // The server knows which statuses there are and says so.
    const query = { ...pageQuery(page), ...(sha && { git_sha: sha }), ...(status && { status: status as 'pending' }) };
    const builds = await context.api.listBuilds(await context.project(), query);
    context.answer(builds, () => listed(builds, 'build', buildTable));
  },
});

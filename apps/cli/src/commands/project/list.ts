import { command } from '../../command.ts';
import { table, when } from '../../output/text.ts';
import { listed, pageQuery, paging } from '../paging.ts';

export const projectList = command({
  name: 'project list',
  summary: 'list the projects of your organisation',
  options: paging,

  async run({ api, answer }, options) {
    const projects = await api.listProjects(pageQuery(options));
    answer(projects, () =>
      listed(projects, 'project', (items) =>
        table(
          ['Slug', 'Project ID', 'Repository', 'Created'],
          items.map(({ slug, id, repo_url: url, created_at: at }) => [slug, id, url ?? '-', when(at)]),
        ),
      ),
    );
  },
});

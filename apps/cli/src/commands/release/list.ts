import { command } from '../../command.ts';
import { counted, shortSha, table, when } from '../../output/text.ts';
import { listed, pageQuery, paging } from '../paging.ts';

export const releaseList = command({
  name: 'release list',
  summary: 'list the releases of a project, newest first',
  options: paging,

  async run(context, options) {
    const releases = await context.api.listReleases(await context.project(), pageQuery(options));
    context.answer(releases, () =>
      listed(releases, 'release', (items) =>
        table(
          ['Tag', 'Release ID', 'SHA', 'Images', 'Created By', 'Created'],
          items.map((release) => [
            release.tag ?? '-',
            release.id,
            shortSha(release.git_sha),
            counted(Object.keys(release.images).length, 'image'),
            release.created_by ?? '-',
            when(release.created_at),
          ]),
        ),
      ),
    );
  },
});

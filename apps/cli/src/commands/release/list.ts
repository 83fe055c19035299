import { command, text } from '../../command.ts';
import { releaseTable } from '../../show/release.ts';
import { listed, pageQuery, paging } from '../paging.ts';

export const releaseList = command({
  name: 'release list',
  summary: 'list the releases of a project, newest first',
  options: {
    ...paging,
    sha: text('<sha>', 'only releases of this commit; its beginning is enough'),
    version: text('<version>', 'only the one of this version'),
    tag: text('<tag>', 'only the one with this tag'),
    build: text('<build-id>', 'only releases of this build'),
    blocked: text('<true|false>', 'only blocked ones, or only those that are not'),
    since: text('<time>', 'only releases made since then: 24h, 7d, 2026-01-31 or 2026-01-31T12:00:00Z'),
  },
  examples: ['eve release list --sha a1b2c3d4', 'eve release list --blocked true --json'],

  async run(context, { sha, version, tag, build, blocked, since, ...page }) {
    const query = {
      ...pageQuery(page),
      ...(sha && { git_sha: sha }),
      ...(version && { version: version.replace(/^v/, '') }),
      ...(tag && { tag }),
      // The server checks the shape of an id, and the words.
      ...(build && { build_id: build as `bld_${string}` }),
      ...(blocked && { blocked: blocked as 'true' }),
      ...(since && { since }),
    };
    const releases = await context.api.listReleases(await context.project(), query);
    context.answer(releases, () => listed(releases, 'release', releaseTable));
  },
});

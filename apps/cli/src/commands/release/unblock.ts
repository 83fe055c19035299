import { command } from '../../command.ts';

export const releaseUnblock = command({
  name: 'release unblock',
  summary: 'allow deploys of a release again',
  arguments: ['<tag|release-id>'],

  async run(context, _options, [name]) {
    const release = await context.api.unblockRelease(await context.project(), name);
    context.answer(release, () => [`Release unblocked: ${release.tag ?? release.id}`]);
  },
});

import { command, text } from '../../command.ts';
import { UsageError } from '../../failure.ts';

export const releaseBlock = command({
  name: 'release block',
  summary: 'refuse every deploy of a release, also by automation; what runs of it stays',
  arguments: ['<tag|release-id>'],
  options: { reason: text('<text>', 'shown wherever it is refused') },
  examples: ['eve release block v1.2.3 --reason "loses orders, see #42"'],

  async run(context, { reason }, [name]) {
    if (!reason) throw new UsageError('Say why: --reason <text>. It is shown wherever the release is refused.');
    const release = await context.api.blockRelease(await context.project(), name, { reason });
    context.answer(release, () => [`Release blocked: ${release.tag ?? release.id}`]);
  },
});

import { command, number } from '../../command.ts';
import { counted } from '../../output/text.ts';

export const releasePrune = command({
  name: 'release prune',
  summary: 'delete old releases of a project, never one that an environment runs or could go back to',
  options: { keep: number('<n>', 'so many of the newest stay (10)') },
  examples: ['eve release prune --keep 20'],

  async run(context, { keep }) {
    const pruned = await context.api.pruneReleases(await context.project(), keep === undefined ? {} : { keep });
    context.answer(pruned, () => [
      `Deleted: ${counted(pruned.deleted, 'release')}`,
      ...pruned.releases.map(({ tag, id }) => `  ${tag ?? id}`),
      ...(pruned.kept.length === 0 ? [] : [`Kept: ${counted(pruned.kept.length, 'release')}`]),
      ...pruned.kept.map(({ tag, id, reason }) => `  ${tag ?? id}: ${reason}`),
    ]);
  },
});

import { command, number } from '../../command.ts';
import { counted } from '../../output/text.ts';

export const buildPrune = command({
  name: 'build prune',
  summary: 'delete old builds of a project, never one that a release names or that runs',
  options: { keep: number('<n>', 'so many of the newest stay (10)') },
  examples: ['eve build prune --keep 20'],

  async run(context, { keep }) {
    const pruned = await context.api.pruneBuilds(await context.project(), keep === undefined ? {} : { keep });
    context.answer(pruned, () => [`Deleted: ${counted(pruned.deleted, 'build')}`]);
  },
});

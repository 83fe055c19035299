import { command, text } from '../../command.ts';
import { newestRun } from '../../follow/build-run.ts';
import { stepTable } from '../../show/build-run.ts';
import { listed } from '../paging.ts';

export const buildSteps = command({
  name: 'build steps',
  summary: 'list the steps of a run: how long each took, and whether it came from the cache',
  arguments: ['<build-id>'],
  options: { run: text('<run-id>', 'of this run; the newest when left out') },

  async run(context, { run }, [buildId]) {
    const steps = await context.api.listBuildSteps(buildId, run ?? (await newestRun(context, buildId)).id);
    context.answer(steps, () => listed(steps, 'step', stepTable));
  },
});

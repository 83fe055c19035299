import { command, text } from '../../command.ts';
import { pipelineRunTable } from '../../show/pipeline.ts';
import { listed, pageQuery, paging } from '../paging.ts';

export const pipelineRuns = command({
  name: 'pipeline runs',
  summary: 'list the runs of a pipeline, or of all, newest first',
  arguments: ['[pipeline]'],
  options: {
    ...paging,
    status: text('<status>', 'only these: pending, running, awaiting_approval, succeeded, failed, cancelled'),
  },

  async run(context, { status, ...page }, [name]) {
    // The server knows which statuses there are and says so.
    const query = { ...pageQuery(page), ...(status && { status: status as 'pending' }) };
    const runs = await context.api.listPipelineRuns(await context.project(), name, query);
    context.answer(runs, () => listed(runs, 'run', pipelineRunTable));
  },
});

import { command, flag, number } from '../../command.ts';
import { followPipelineRun } from '../../follow/pipeline-run.ts';
import { pipelineRunFields, stepTable } from '../../show/pipeline.ts';

export const pipelineShowRun = command({
  name: 'pipeline show-run',
  summary: 'show a pipeline run with its steps',
  arguments: ['<run-id>'],
  options: {
    follow: flag('follow it until it ends; its outcome is the exit code', 'f'),
    timeout: number('<seconds>', 'stop following after so long; the run goes on'),
  },

  async run(context, { follow, timeout }, [runId]) {
    const detail = await context.api.getPipelineRun(runId);
    if (follow) return followPipelineRun(context, runId, detail.run.project_id, timeout);
    context.answer(detail, () => [
      `Pipeline run: ${detail.run.id}`,
      ...pipelineRunFields(detail),
      '',
      ...stepTable(detail.steps),
    ]);
    return undefined;
  },
});

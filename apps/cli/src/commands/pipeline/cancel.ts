import { command } from '../../command.ts';
import { stepTable } from '../../show/pipeline.ts';

export const pipelineCancel = command({
  name: 'pipeline cancel',
  summary: 'cancel a pipeline run with what its steps started',
  arguments: ['<run-id>'],

  async run({ api, answer }, _options, [runId]) {
    const detail = await api.cancelPipelineRun(runId);
    const done = detail.run.status === 'cancelled';
    answer(detail, () => [
      `${done ? 'Pipeline run cancelled' : 'Cancelling pipeline run'}: ${runId}`,
      ...stepTable(detail.steps),
    ]);
  },
});

import { command } from '../../command.ts';
import { table } from '../../output/text.ts';

export const pipelineShow = command({
  name: 'pipeline show',
  summary: 'show the steps of a pipeline',
  arguments: ['<pipeline>'],

  async run(context, _options, [name]) {
    const pipeline = await context.api.getPipeline(await context.project(), name);
    context.answer(pipeline, () => [
      `Pipeline: ${pipeline.name}`,
      ...table(
        ['Step', 'Action', 'Environment', 'After'],
        pipeline.definition.steps.map(({ name: step, action, depends_on: after }) => [
          step,
          action.type,
          action.env_name ?? '-',
          after.join(', ') || '-',
        ]),
      ),
    ]);
  },
});

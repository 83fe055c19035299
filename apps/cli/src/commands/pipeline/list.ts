import { command } from '../../command.ts';
import { table } from '../../output/text.ts';
import { listed } from '../paging.ts';

export const pipelineList = command({
  name: 'pipeline list',
  summary: 'list the pipelines of the manifest that was synced last',

  async run(context) {
    const pipelines = await context.api.listPipelines(await context.project());
    context.answer(pipelines, () =>
      listed(pipelines, 'pipeline', (items) =>
        table(
          ['Name', 'Steps'],
          items.map(({ name, definition }) => [name, definition.steps.map((step) => step.name).join(' → ')]),
        ),
      ),
    );
  },
});

import { command } from '../../command.ts';
import { statusLines } from '../../show/environment.ts';

export const envStatus = command({
  name: 'env status',
  summary: 'show what runs in an environment, where, and whether it is what was released',
  arguments: ['<env>'],

  async run(context, _options, [name]) {
    const status = await context.api.environmentStatus(await context.project(), name);
    context.answer(status, () => statusLines(status));
  },
});

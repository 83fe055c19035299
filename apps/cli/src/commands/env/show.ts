import { command } from '../../command.ts';
import { environmentLines } from '../../show/environment.ts';

export const envShow = command({
  name: 'env show',
  summary: 'show the record of an environment, its settings, and what counts for its next deploy',
  arguments: ['<env>'],

  async run(context, _options, [name]) {
    const environment = await context.api.getEnvironment(await context.project(), name);
    context.answer(environment, () => environmentLines(environment));
    context.say(`What runs in it: eve env status ${name}`);
  },
});

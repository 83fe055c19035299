import { command } from '../../command.ts';
import { fields, when } from '../../output/text.ts';

export const envShow = command({
  name: 'env show',
  summary: 'show the record of an environment',
  arguments: ['<env>'],

  async run(context, _options, [name]) {
    const environment = await context.api.getEnvironment(await context.project(), name);
    context.answer(environment, () => [
      `Environment: ${environment.name}`,
      ...fields({
        ID: environment.id,
        Type: environment.type,
        Status: environment.status,
        Revision: environment.current_revision_id,
        'Last deploy': environment.last_deploy_id,
        Created: when(environment.created_at),
      }),
    ]);
    context.say(`What runs in it: eve env status ${name}`);
  },
});

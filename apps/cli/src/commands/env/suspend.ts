import { command } from '../../command.ts';

export const envSuspend = command({
  name: 'env suspend',
  summary: 'refuse deploys to an environment until it is resumed; what runs goes on',
  arguments: ['<env>'],

  async run(context, _options, [name]) {
    const environment = await context.api.suspendEnvironment(await context.project(), name);
    context.answer(environment, () => [`Environment ${environment.name}: ${environment.status}`]);
    context.say(`Start it again: eve env resume ${name}`);
  },
});

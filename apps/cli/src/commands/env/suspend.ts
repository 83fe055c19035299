import { command, text } from '../../command.ts';

export const envSuspend = command({
  name: 'env suspend',
  summary: 'refuse deploys to an environment until it is resumed; what runs goes on',
  arguments: ['<env>'],
  options: { reason: text('<text>', 'why, for whoever meets it') },

  async run(context, { reason }, [name]) {
    const body = reason === undefined ? {} : { reason };
    const environment = await context.api.suspendEnvironment(await context.project(), name, body);
    const { suspended_reason: why } = environment;
    context.answer(environment, () => [
      `Environment ${environment.name}: ${environment.status}${why ? ` (${why})` : ''}`,
    ]);
    context.say(`Let deploys in again: eve env resume ${name}`);
  },
});

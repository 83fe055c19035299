import { command } from '../../command.ts';

export const envResume = command({
  name: 'env resume',
  summary: 'let deploys into a suspended environment again',
  arguments: ['<env>'],

  async run(context, _options, [name]) {
    const environment = await context.api.resumeEnvironment(await context.project(), name);
    context.answer(environment, () => [`Environment ${environment.name}: ${environment.status}`]);
  },
});

import { command, text } from '../../command.ts';

export const envCreate = command({
  name: 'env create',
  summary: 'make an environment; a deploy makes those that the manifest names by itself',
  arguments: ['<env>'],
  options: { type: text('<type>', 'persistent or temporary (persistent)') },

  async run(context, { type }, [name]) {
    const environment = await context.api.createEnvironment(await context.project(), {
      name,
      // The server knows the types and says so.
      ...(type && { type: type as 'persistent' }),
    });
    context.answer(environment, () => [`Environment created: ${environment.name}`, `  ID: ${environment.id}`]);
  },
});

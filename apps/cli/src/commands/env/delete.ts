import { command, flag } from '../../command.ts';

export const envDelete = command({
  name: 'env delete',
  summary: 'stop everything in an environment and remove it; volumes stay unless --volumes is given',
  arguments: ['<env>'],
  options: { volumes: flag('delete its volumes with all data in them, too') },

  async run(context, { volumes }, [name]) {
    await context.api.deleteEnvironment(await context.project(), name, volumes ? { volumes } : undefined);
    context.answer({ deleted: name }, () => [`Environment deleted: ${name}${volumes ? ', with its volumes' : ''}`]);
  },
});

import { command } from '../../command.ts';
import { secretScope } from './scope.ts';

export const secretsDelete = command({
  name: 'secrets delete',
  summary: 'delete a secret',
  arguments: ['<NAME>'],

  async run(context, _options, [key]) {
    await context.api.deleteSecret(await secretScope(context), key);
    context.answer({ deleted: key }, () => [`Secret deleted: ${key}`]);
  },
});

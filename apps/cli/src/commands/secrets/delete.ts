import { command } from '../../command.ts';
import { usesText } from '../../show/secrets.ts';
import { scopeOptions, secretScope } from './scope.ts';

export const secretsDelete = command({
  name: 'secrets delete',
  summary: 'delete a secret; no rollback brings its values back',
  arguments: ['<NAME>'],
  options: scopeOptions,

  async run(context, options, [key]) {
    const scope = await secretScope(context, options);
    const uses = usesText(await context.api.showSecret(scope, key));
    await context.api.deleteSecret(scope, key);
    context.answer({ deleted: key }, () => [
      `Secret deleted: ${key}`,
      ...(uses === null ? [] : [`Still in use until the next deploy, which needs it set again: ${uses}`]),
    ]);
  },
});

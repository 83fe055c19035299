import { command } from '../../command.ts';
import { fields, when } from '../../output/text.ts';
import { scopeText, usesText } from '../../show/secrets.ts';
import { scopeOptions, secretScope } from './scope.ts';

export const secretsShow = command({
  name: 'secrets show',
  summary: 'show a secret, its value masked, and where it is in use; of a project the one that it gets',
  arguments: ['<NAME>'],
  options: scopeOptions,

  async run(context, options, [key]) {
    const scope = await secretScope(context, options);
    const secret = await context.api.showSecret(scope, key, 'project' in scope ? { inherited: true } : {});
    context.answer(secret, () => [
      `Secret: ${secret.key}`,
      ...fields({
        Of: secret.scope_id === null ? scopeText(secret) : `${scopeText(secret)} ${secret.scope_id}`,
        Value: secret.masked_value,
        'Used by': usesText(secret),
        Created: when(secret.created_at),
        Updated: when(secret.updated_at),
      }),
    ]);
  },
});

import { command } from '../../command.ts';
import { fields, when } from '../../output/text.ts';
import { secretScope } from './scope.ts';

export const secretsShow = command({
  name: 'secrets show',
  summary: 'show a secret, its value masked',
  arguments: ['<NAME>'],

  async run(context, _options, [key]) {
    const secret = await context.api.showSecret(await secretScope(context), key);
    context.answer(secret, () => [
      `Secret: ${secret.key}`,
      ...fields({ Value: secret.masked_value, Created: when(secret.created_at), Updated: when(secret.updated_at) }),
    ]);
  },
});

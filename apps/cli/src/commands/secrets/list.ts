import { command, flag } from '../../command.ts';
import { table, when } from '../../output/text.ts';
import { scopeText } from '../../show/secrets.ts';
import { listed, pageQuery, paging } from '../paging.ts';
import { scopeOptions, secretScope } from './scope.ts';

export const secretsList = command({
  name: 'secrets list',
  summary: 'list the names of the secrets; never their values',
  options: {
    ...paging,
    ...scopeOptions,
    inherited: flag('also what the project gets from its organisation and the installation, and which one wins'),
  },
  examples: ['eve secrets list --inherited'],

  async run(context, { system, inherited, ...options }) {
    const query = { ...pageQuery(options), ...(inherited && { inherited }) };
    const secrets = await context.api.listSecrets(await secretScope(context, { system }), query);
    context.answer(secrets, () =>
      listed(secrets, 'secret', (items) =>
        table(
          ['Name', 'Of', 'Updated', ...(inherited ? ['Wins'] : [])],
          items.map((secret) => [
            secret.key,
            scopeText(secret),
            when(secret.updated_at),
            ...(inherited ? [secret.wins === false ? 'no: a nearer one does' : 'yes'] : []),
          ]),
        ),
      ),
    );
  },
});

import { command } from '../../command.ts';
import { table, when } from '../../output/text.ts';
import { listed, pageQuery, paging } from '../paging.ts';
import { secretScope } from './scope.ts';

export const secretsList = command({
  name: 'secrets list',
  summary: 'list the names of the secrets; never their values',
  options: paging,

  async run(context, options) {
    const secrets = await context.api.listSecrets(await secretScope(context), pageQuery(options));
    context.answer(secrets, () =>
      listed(secrets, 'secret', (items) =>
        table(
          ['Name', 'Of', 'Updated'],
          items.map(({ key, scope_type: of, updated_at: at }) => [key, of === 'org' ? 'organisation' : of, when(at)]),
        ),
      ),
    );
  },
});

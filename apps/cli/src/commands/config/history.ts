import { command } from '../../command.ts';
import { when } from '../../output/text.ts';
import { listed, pageQuery, paging } from '../paging.ts';
import { valueLines } from './list.ts';

export const configHistory = command({
  name: 'config history',
  summary: 'list the versions of the configuration of an environment, newest first',
  arguments: ['<env>'],
  options: paging,

  async run(context, options, [name]) {
    const versions = await context.api.listConfigurations(await context.project(), name, pageQuery(options));
    context.answer(versions, () =>
      listed(versions, 'version', (items) =>
        items.flatMap((version, index) => [
          ...(index > 0 ? [''] : []),
          `#${version.number}  ${when(version.created_at)}  ${version.created_by ?? '-'}${version.message ? `  ${version.message}` : ''}`,
          ...valueLines(version).map((line) => `  ${line}`),
        ]),
      ),
    );
  },
});

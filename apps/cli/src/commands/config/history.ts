import { command } from '../../command.ts';
import { valueLines, versionLine } from '../../show/configuration.ts';
import { listed, pageQuery, paging } from '../paging.ts';

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
          versionLine(version),
          ...valueLines(version).map((line) => `  ${line}`),
        ]),
      ),
    );
  },
});

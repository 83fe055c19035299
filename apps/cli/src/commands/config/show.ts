import { command } from '../../command.ts';
import { valueLines, versionLine } from '../../show/configuration.ts';
import { versionNumber } from './version-number.ts';

export const configShow = command({
  name: 'config show',
  summary: 'show one version of the configuration of an environment',
  arguments: ['<env>', '<version>'],
  examples: ['eve config show staging 4'],

  async run(context, _options, [name, number]) {
    const version = await context.api.getConfigVersion(await context.project(), name, versionNumber(number));
    context.answer(version, () => [versionLine(version), ...valueLines(version)]);
  },
});

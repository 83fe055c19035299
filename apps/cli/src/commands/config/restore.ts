import { command } from '../../command.ts';
import { changeConfiguration } from './change.ts';
import { configOptions } from './set.ts';
import { versionNumber } from './version-number.ts';

const { service: _service, ...options } = configOptions;

export const configRestore = command({
  name: 'config restore',
  summary: 'bring back all values of an earlier version, as a new version, to what runs',
  arguments: ['<env>', '<version>'],
  options,
  examples: ['eve config restore staging 4'],
  run: (context, given, [name, number]) =>
    changeConfiguration(context, name, { restore: versionNumber(number) }, { ...given, service: undefined }),
});

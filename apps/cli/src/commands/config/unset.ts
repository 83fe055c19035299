import { command } from '../../command.ts';
import { changeConfiguration } from './change.ts';
import { configOptions } from './set.ts';

export const configUnset = command({
  name: 'config unset',
  summary: 'remove variables of an environment',
  arguments: ['<env>', '<NAME...>'],
  options: configOptions,
  run: (context, options, [name, unset]) => changeConfiguration(context, name, { unset }, options),
});

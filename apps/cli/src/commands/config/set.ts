import { command, flag, number, switchedOn, text } from '../../command.ts';
import { UsageError } from '../../failure.ts';
import { changeConfiguration } from './change.ts';

export const configOptions = {
  service: text('<name>', 'for this service only; for all when left out'),
  message: text('<text>', 'why, kept in the history'),
  noDeploy: flag('only record it; the next deploy takes it along'),
  watch: switchedOn('follow until the change serves; --watch false returns at once'),
  timeout: number('<seconds>', 'stop following after so long; the deploy goes on'),
};

export const configSet = command({
  name: 'config set',
  summary: 'set variables of an environment and bring them to what runs',
  arguments: ['<env>', '<NAME=value...>'],
  options: { ...configOptions, secret: flag('the values are names of secrets: DATABASE_URL=DATABASE_URL_SECRET') },
  examples: [
    'eve config set staging LOG_LEVEL=debug --service api',
    'eve config set staging API_KEY=STAGING_API_KEY --secret',
  ],

  async run(context, { secret, ...options }, [name, pairs]) {
    const set = Object.fromEntries(
      pairs.map((pair) => {
        const [, variable, value] = /^([^=]+)=(.*)$/s.exec(pair) ?? [];
        if (variable === undefined || value === undefined) throw new UsageError(`"${pair}" is not NAME=value.`);
        return [variable, secret ? { secret: value } : { plain: value }];
      }),
    );
    return changeConfiguration(context, name, { set }, options);
  },
});

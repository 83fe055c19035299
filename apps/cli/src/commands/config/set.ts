import type { ConfigValue } from '@eve/protocol-rest/contract';
import { command, flag, number, switchedOn, text } from '../../command.ts';
import type { Context } from '../../context.ts';
import { variablesOfFile } from '../../dotenv.ts';
import { UsageError } from '../../failure.ts';
import { readHidden } from '../../input.ts';
import { changeConfiguration } from './change.ts';

export const configOptions = {
  service: text('<name>', 'for this service only; for all when left out'),
  message: text('<text>', 'why, kept in the history'),
  expect: number('<version>', 'refuse the change when another version is the newest by now'),
  noDeploy: flag('only record it; the next deploy takes it along'),
  watch: switchedOn('follow until the change serves; --watch false returns at once'),
  timeout: number('<seconds>', 'stop following after so long; the deploy goes on'),
};

export const configSet = command({
  name: 'config set',
  summary: 'set variables of an environment and bring them to what runs',
  arguments: ['<env>', '[NAME=value...]'],
  options: {
    ...configOptions,
    secret: flag('the values are names of secrets: DATABASE_URL=DATABASE_URL_SECRET'),
    fromFile: text('<path>', 'also every NAME=value of this file; - is stdin'),
  },
  examples: [
    'eve config set staging LOG_LEVEL=debug --service api',
    'eve config set staging API_KEY=STAGING_API_KEY --secret',
    // biome-ignore lint/suspicious/noTemplateCurlyInString: as it is typed
    "eve config set staging 'DATABASE_URL=postgres://app:${secret.DB_PASSWORD}@db/app'",
    'eve config set staging --from-file staging.env --message "as in the old set-up"',
    'eve config set staging BANNER -          the value from stdin',
  ],

  async run(context, { secret, fromFile, ...options }, [name, given]) {
    const file = fromFile === undefined ? {} : await variablesOfFile(context, fromFile);
    const values = { ...file, ...(await valuesGiven(context, given)) };
    if (Object.keys(values).length === 0) throw new UsageError('Give NAME=value, or --from-file.');
    const set = Object.fromEntries(
      Object.entries(values).map(([variable, value]): [string, ConfigValue] => [
        variable,
        secret ? { secret: value } : { plain: value },
      ]),
    );
    return changeConfiguration(context, name, { set }, options);
  },
});

async function valuesGiven({ input }: Context, given: readonly string[]): Promise<Record<string, string>> {
  const [only = '', dash] = given;
  if (given.length === 2 && dash === '-' && !only.includes('='))
    return { [only]: await readHidden(input, `Value of ${only}: `) };
  return Object.fromEntries(
    given.map((pair) => {
      const [, variable, value] = /^([^=]+)=(.*)$/s.exec(pair) ?? [];
      if (variable === undefined || value === undefined)
        throw new UsageError(`"${pair}" is not NAME=value.`, ['A value from stdin: eve config set <env> NAME -']);
      return [variable, value];
    }),
  );
}

import type { ConfigVersion } from '@eve/protocol-rest/contract';
import { command } from '../../command.ts';
import { table } from '../../output/text.ts';

export const configList = command({
  name: 'config list',
  summary: 'show the configuration of an environment',
  arguments: ['<env>'],

  async run(context, _options, [name]) {
    const configuration = await context.api.getConfiguration(await context.project(), name);
    context.answer(configuration, () =>
      configuration
        ? [`Configuration ${configuration.number} of ${name}`, ...valueLines(configuration)]
        : [`${name} has no configuration yet.`],
    );
  },
});

/** Values by service; a secret by its name only. */
export function valueLines({ values }: ConfigVersion): string[] {
  const rows = Object.entries(values).flatMap(([service, variables]) =>
    Object.entries(variables).map(([variable, value]) => [
      service === '*' ? '(all)' : service,
      variable,
      'plain' in value ? value.plain : `secret ${value.secret}`,
    ]),
  );
  return rows.length === 0 ? ['No values.'] : table(['Service', 'Name', 'Value'], rows);
}

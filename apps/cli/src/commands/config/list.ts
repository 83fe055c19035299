import { command, text } from '../../command.ts';
import { valueLines } from '../../show/configuration.ts';

export const configList = command({
  name: 'config list',
  summary: 'show the configuration of an environment',
  arguments: ['<env>'],
  options: { service: text('<name>', 'only what this service gets') },

  async run(context, { service }, [name]) {
    const configuration = await context.api.getConfiguration(await context.project(), name);
    context.answer(configuration, () => {
      if (!configuration) return [`${name} has no configuration yet.`];
      const { number, running } = configuration;
      return [
        `Configuration ${number} of ${name}`,
        ...valueLines(configuration, service),
        ...(running === null || running === number
          ? []
          : ['', `What runs has configuration ${running}. Deploy the newest: eve config apply ${name}`]),
      ];
    });
  },
});

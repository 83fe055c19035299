import { command, number, text } from '../../command.ts';
import { UsageError } from '../../failure.ts';
import { printable } from '../../output/text.ts';

export const envLogs = command({
  name: 'env logs',
  summary: 'show what a running service printed',
  arguments: ['<env>', '[service]'],
  options: {
    service: text('<name>', 'the service; not needed when there is only one'),
    tail: number('<n>', 'the last so many lines of each instance (100)'),
  },
  examples: ['eve env logs test api --tail 50'],

  async run(context, { service: named, tail }, [name, given]) {
    const { api, json, print, style } = context;
    const project = await context.project();
    const service = given ?? named ?? (await onlyService(context, project, name));
    const { logs } = await api.environmentLogs(project, name, { service, ...(tail !== undefined && { tail }) });
    if (!json && logs.length === 0) print('No logs available.');
    const several = new Set(logs.map(({ instance }) => instance)).size > 1;
    for (const entry of logs) {
      if (json) print(JSON.stringify(entry));
      else print(`${several ? `[${entry.instance}] ` : ''}${printable(entry.line, style.colours)}`);
    }
  },
});

async function onlyService({ api }: Parameters<typeof envLogs.run>[0], project: string, name: string): Promise<string> {
  const names = (await api.environmentStatus(project, name)).services.map((service) => service.name);
  if (names.length === 1 && names[0]) return names[0];
  if (names.length === 0) throw new UsageError(`Nothing runs in ${name}.`);
  throw new UsageError(`Name the service: eve env logs ${name} <service>`, [`Services: ${names.join(', ')}`]);
}

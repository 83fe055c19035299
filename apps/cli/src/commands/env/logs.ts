import type { ServiceLogEvent } from '@eve/protocol-rest/client';
import type { ServiceLine } from '@eve/protocol-rest/contract';
import { command, flag, number, text } from '../../command.ts';
import { UsageError } from '../../failure.ts';
import { clock, printable } from '../../output/text.ts';

export const envLogs = command({
  name: 'env logs',
  summary: 'show what the services of an environment printed, of all replicas and revisions',
  arguments: ['<env>', '[service]'],
  options: {
    service: text('<name>', 'one service; all unless given'),
    follow: flag('go on with what is printed from now on, also by a deploy that comes', 'f'),
    since: text('<time>', 'from then on: 10m, 2h, 2026-01-31T12:00:00Z'),
    tail: number('<n>', 'the last so many lines of all (100; with --since 10,000)'),
    grep: text('<text>', 'only lines with this text in them'),
    instance: text('<name>', 'one instance, as the lines name it'),
    revision: number('<n>', 'instances of one revision'),
    previous: flag('only instances that do not run any more', 'p'),
  },
  examples: [
    'eve env logs test --follow',
    'eve env logs test api --since 10m --grep timeout',
    'eve env logs test api --previous --tail 50',
  ],

  async run(context, { service: named, follow, previous, ...given }, [name, service = named]) {
    if (follow && previous)
      throw new UsageError('Instances that are gone print nothing: leave out --follow or --previous.');
    const { api, json, print, say, style } = context;
    const project = await context.project();
    const question = { service, ...given, ...(previous && { previous }) };
    const show = lineOf(style.colours);

    if (!follow) {
      const { logs, is_cut } = await api.environmentLogs(project, name, question);
      for (const line of logs) print(json ? JSON.stringify(line) : show(line));
      if (!json && logs.length === 0) print('No logs available.');
      if (!json && is_cut && given.tail === undefined) say('Older lines match too; --tail shows more.');
      return undefined;
    }
    return context.following(async (signal) => {
      try {
        for await (const event of api.followEnvironmentLogs(project, name, question, { signal })) {
          if (json) print(JSON.stringify(event));
          else if (event.type === 'log') print(show(event));
          else say(said(event));
        }
      } catch (error) {
        // Whoever has seen enough ends it: that is no failure.
        if (!signal.aborted) throw error;
      }
      return 0;
    });
  },
});

/** Lines with their time and instance, all text at the same place as far as was known. */
function lineOf(colours: boolean): (line: ServiceLine) => string {
  let width = 0;
  return ({ timestamp, instance, stream, line }) => {
    const from = printable(instance, false);
    width = Math.max(width, from.length);
    return `[${clock(timestamp)}] ${from.padEnd(width)} ${stream === 'stderr' ? '!' : '|'} ${printable(line, colours)}`;
  };
}

function said(event: Exclude<ServiceLogEvent, { type: 'log' }>): string {
  if (event.type === 'connection') return event.message;
  if (event.type === 'end') return event.reason;
  const revision = event.revision === null ? '' : ` (revision ${event.revision})`;
  return event.state === 'gone' ? `${event.instance}${revision} is gone.` : `${event.instance}${revision} is followed.`;
}

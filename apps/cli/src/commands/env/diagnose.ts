import { command } from '../../command.ts';
import { printable, table, when } from '../../output/text.ts';
import { statusLines } from '../../show/environment.ts';

export const envDiagnose = command({
  name: 'env diagnose',
  summary: 'show why an environment is not well, the last lines of what is not, and what to do',
  arguments: ['<env>'],

  async run(context, _options, [name]) {
    const diagnosis = await context.api.diagnoseEnvironment(await context.project(), name);
    const { summary, findings, logs, events, suggested_command: suggested } = diagnosis;
    const { colours } = context.style;
    context.answer(diagnosis, () => [
      printable(summary, false),
      ...findings.slice(1).map((finding) => `  ${printable(finding, false)}`),
      ...(suggested ? [`Next: ${suggested}`] : []),
      '',
      ...statusLines(diagnosis.status),
      ...logs.flatMap(({ instance, lines }) => [
        '',
        `Last lines of ${instance}:`,
        ...lines.map((line) => `  ${printable(line, colours)}`),
      ]),
      '',
      ...table(
        ['When', 'What', 'State', 'By'],
        events.map(({ at, event, to, actor, subject_id: id }) => [when(at), `${event} ${id}`, to, actor]),
      ),
    ]);
  },
});

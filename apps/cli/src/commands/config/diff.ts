import type { ConfigDiffQuery } from '@eve/protocol-rest/contract';
import { command } from '../../command.ts';
import { UsageError } from '../../failure.ts';
import { diffLines } from '../../show/configuration.ts';
import { versionNumber } from './version-number.ts';

export const configDiff = command({
  name: 'config diff',
  summary: 'show what two versions, or two environments, set differently; alone, what the last change changed',
  arguments: ['<env|env..env>', '[versions]'],
  examples: [
    'eve config diff staging                  the last change',
    'eve config diff staging 3..5             from version 3 to version 5',
    'eve config diff staging 3                from version 3 to the newest',
    'eve config diff staging..production      from the newest of one to the newest of the other',
    'eve config diff staging@3..production@5',
  ],

  async run(context, _options, [place, versions]) {
    const { environment, query } = comparison(place, versions);
    const diff = await context.api.compareConfigurations(await context.project(), environment, query);
    context.answer(diff, () => diffLines(diff, context.style));
  },
});

function comparison(place: string, versions: string | undefined): { environment: string; query: ConfigDiffQuery } {
  const [first = '', second, ...more] = place.split('..');
  if (more.length > 0 || first === '' || second === '') throw new UsageError(`"${place}" is not env or env..env.`);
  const [from, to] = [sideOf(first), second === undefined ? undefined : sideOf(second)];
  if (to && versions !== undefined) throw new UsageError('Write the versions of two environments as one@3..other@5.');
  if (to) {
    const query = { to_environment: to.environment, ...numbered('from', from.version), ...numbered('to', to.version) };
    return { environment: from.environment, query };
  }
  const [start = from.version, end, ...others] = versions?.split('..') ?? [];
  if (others.length > 0) throw new UsageError(`"${versions}" is not version or version..version.`);
  return { environment: from.environment, query: { ...numbered('from', start), ...numbered('to', end) } };
}

function sideOf(text: string): { environment: string; version: string | undefined } {
  const [environment = '', version] = text.split(/[@#]/, 2);
  return { environment, version };
}

function numbered(name: 'from' | 'to', text: string | undefined): ConfigDiffQuery {
  return text === undefined || text === '' ? {} : { [name]: versionNumber(text) };
}

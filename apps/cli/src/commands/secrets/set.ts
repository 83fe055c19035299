import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { command, text } from '../../command.ts';
import { UsageError } from '../../failure.ts';
import { readHidden } from '../../input.ts';
import { outdatedLines, scopeText } from '../../show/secrets.ts';
import { scopeOptions, secretScope } from './scope.ts';

export const secretsSet = command({
  name: 'secrets set',
  summary: 'set a secret of the project, or with --org of the organisation; the value is never shown again',
  arguments: ['<NAME>', '[value]'],
  options: { ...scopeOptions, file: text('<path>', 'read the value from this file, byte for byte') },
  examples: [
    'eve secrets set DATABASE_PASSWORD -              asks, or reads stdin: the safe way',
    'eve secrets set DEPLOY_KEY --file ~/.ssh/deploy',
    'eve secrets set GREETING hello                   visible in the shell history and to other users of this machine',
  ],

  async run(context, { file, system }, [key, given]) {
    if (file !== undefined && given !== undefined) throw new UsageError('Give the value or --file, not both.');
    const value = await valueFor(context, key, file, given);
    if (value === '') throw new UsageError(`The value of ${key} is empty.`);
    const secret = await context.api.setSecret(await secretScope(context, { system }), { key, value });
    const of = secret.scope_id === null ? scopeText(secret) : `${scopeText(secret)} ${secret.scope_id}`;
    context.answer(secret, () => [`Secret set: ${secret.key} (${of})`, ...outdatedLines(secret)]);
  },
});

async function valueFor(
  { input, directory }: Parameters<typeof secretsSet.run>[0],
  key: string,
  file: string | undefined,
  given: string | undefined,
): Promise<string> {
  if (file !== undefined) {
    return readFile(resolve(directory, file), 'utf8').catch(() => {
      throw new UsageError(`Cannot read ${resolve(directory, file)}.`);
    });
  }
  if (given !== undefined && given !== '-') return given;
  return readHidden(input, `Value of ${key}: `);
}

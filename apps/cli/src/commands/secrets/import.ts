import { command, text } from '../../command.ts';
import { variablesOfFile } from '../../dotenv.ts';
import { UsageError } from '../../failure.ts';
import { counted } from '../../output/text.ts';
import { scopeOptions, secretScope } from './scope.ts';

export const secretsImport = command({
  name: 'secrets import',
  summary: 'set every NAME=value of a file as a secret; the values are never shown again',
  options: { ...scopeOptions, file: text('<path>', 'the file; - is stdin') },
  examples: ['eve secrets import --file .env', 'vault read-env | eve secrets import --file -'],

  async run(context, { file, system }) {
    if (file === undefined) throw new UsageError('Name the file with --file; - is stdin.');
    const values = await variablesOfFile(context, file);
    const empty = Object.keys(values).filter((key) => values[key] === '');
    if (empty.length > 0) throw new UsageError(`Without a value: ${empty.join(', ')}. Nothing was set.`);
    const scope = await secretScope(context, { system });
    const set: string[] = [];
    try {
      for (const [key, value] of Object.entries(values)) {
        await context.api.setSecret(scope, { key, value });
        set.push(key);
      }
    } catch (error) {
      if (set.length > 0) context.warn(`Set before this failed: ${set.join(', ')}`);
      throw error;
    }
    context.answer({ set }, () => [
      `${counted(set.length, 'secret')} set: ${set.join(', ')}`,
      'They count from the next build and deploy on: eve config apply <env>',
    ]);
  },
});

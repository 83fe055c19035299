import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { command } from '../../command.ts';
import { exitCodes } from '../../failure.ts';

export const secretsValidate = command({
  name: 'secrets validate',
  summary: 'check that the named secrets, or those of the manifest here or synced last, are set',
  arguments: ['[NAME...]'],

  async run(context, _options, [keys]) {
    const manifest = await readFile(join(context.directory, '.eve', 'manifest.yaml'), 'utf8').catch(() => undefined);
    const asked = keys.length > 0 ? { keys } : manifest === undefined ? {} : { manifest_yaml: manifest };
    const found = await context.api.validateSecrets(await context.project(), asked);
    context.answer(found, () =>
      found.missing.length === 0
        ? ['All secrets are set.']
        : found.missing.flatMap(({ key, hints }) => [`Missing: ${key}`, ...hints.map((hint) => `  Hint: ${hint}`)]),
    );
    return found.missing.length === 0 ? exitCodes.done : exitCodes.failed;
  },
});

import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import type { ManifestValidation } from '@eve/protocol-rest/contract';
import { command, flag, text } from '../../command.ts';
import type { Context } from '../../context.ts';
import { CommandFailed, exitCodes } from '../../failure.ts';
import { counted } from '../../output/text.ts';
import { placeOf } from '../../report.ts';
import { noServer } from '../../server.ts';

export const manifestValidate = command({
  name: 'manifest validate',
  summary: 'check .eve/manifest.yaml as it stands on disk, or the one that was synced last',
  arguments: ['[file]'],
  offline: 'if unknown',
  options: {
    path: text('<file>', 'the manifest (.eve/manifest.yaml)'),
    latest: flag('check the one that was synced last'),
    validateSecrets: flag('name the secrets that it needs and that are not set'),
    strict: flag('fail when a secret is not set'),
  },

  async run(context, { path, latest, validateSecrets, strict }, [given]) {
    const file = resolve(context.directory, given ?? path ?? '.eve/manifest.yaml');
    const yaml = latest ? null : await readManifestFile(file);
    const withSecrets = validateSecrets || strict;
    const found =
      yaml === null || withSecrets ? await askServer(context, yaml, withSecrets, strict) : await checkHere(yaml);
    const missing = found.secret_validation.missing;
    const ok = found.valid && !(strict && missing.length > 0);
    const name = latest ? 'The manifest synced last' : file;
    context.answer(found, () => [
      ok
        ? `${name} is valid.`
        : `${name} has ${counted(found.errors.length + (strict ? missing.length : 0), 'mistake')}:`,
      ...found.errors.map((each) => `  error    ${placeOf(each)}${each.message}`),
      ...found.warnings.map((each) => `  warning  ${placeOf(each)}${each.message}`),
      ...missing.map(({ key }) => `  secret   ${key} is not set: eve secrets set ${key} -`),
      ...(ok && found.manifest_hash ? [`  Hash: ${found.manifest_hash}`] : []),
    ]);
    return ok ? exitCodes.done : exitCodes.failed;
  },
});

/** What is synced and which secrets are set only a server knows. */
async function askServer(
  { api, server, project }: Context,
  yaml: string | null,
  validateSecrets: boolean,
  strict: boolean,
): Promise<ManifestValidation> {
  if (server.url === '') throw noServer;
  const body = { ...(yaml !== null && { manifest_yaml: yaml }), validate_secrets: validateSecrets, strict };
  return api.validateManifest(await project(), body);
}

/** The same check as the server's, without one. */
async function checkHere(yaml: string): Promise<ManifestValidation> {
  const { checkManifest } = await import('@eve/operations');
  const { valid, hash, errors, warnings } = checkManifest(yaml);
  return {
    valid,
    manifest_hash: hash,
    errors: [...errors],
    warnings: [...warnings],
    secret_validation: { missing: [] },
  };
}

async function readManifestFile(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch {
    throw new CommandFailed(`There is no ${file}.`, {
      code: 'manifest_missing',
      exitCode: exitCodes.notFound,
      advice: ['Write one: eve init'],
    });
  }
}

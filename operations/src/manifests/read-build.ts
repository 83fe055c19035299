import type { BuildSettings, BuildTest } from '@eve/domain';
import { isPlatform, isSecretName, secretNamesIn } from '@eve/domain';
import { type Field, fail, isList, isMapping, itemsOf, recordOf, textOf, textsOf } from './field.ts';
import { readByteSize, readCpus, readDuration } from './read-amounts.ts';
import { commandText, commandWords } from './read-command.ts';
import { readValues } from './read-environment-values.ts';
import { keysOf } from './schema.ts';
import { AmountsFile, BuildFile, BuildTestFile } from './schema-service.ts';

const keys = keysOf(BuildFile);
const amountKeys = keysOf(AmountsFile);
const testKeys = keysOf(BuildTestFile);

/** How a service's image is built; context and Dockerfile end up relative to the repository's root. */
export function readBuild(field: Field): BuildSettings | null {
  if (!isMapping(field)) {
    const text = textOf(field, 'the directory to build, or a mapping with `context`');
    const context = text === null ? null : readContext(text, field);
    return context === null ? null : { ...plainBuild, context, dockerfile: joined(context, 'Dockerfile') };
  }
  const fields = recordOf(field, keys);
  const contextField = fields.get('context');
  const contextText = contextField ? textOf(contextField) : '.';
  const context = contextText === null ? null : readContext(contextText, contextField ?? field);
  const dockerfileField = fields.get('dockerfile');
  const dockerfile = context === null ? null : readDockerfile(context, dockerfileField);
  const targetField = fields.get('target');
  const platformsField = fields.get('platforms');
  const settings = {
    target: targetField ? textOf(targetField) : null,
    args: readArguments(fields.get('args')),
    platforms: platformsField ? readPlatforms(platformsField) : [],
    secrets: readBuildSecrets(fields.get('secrets')),
    timeoutMs: readDuration(fields.get('timeout'), null),
    test: readTest(fields.get('test')),
    resources: readResources(fields.get('resources')),
  };
  return context === null || dockerfile === null ? null : { context, dockerfile, ...settings };
}

/** In bytes; a program takes no argument of 128 KiB or more. */
export const longestArgument = 65_536;

/** Build arguments stay in the image's history, so a secret never is one. */
function readArguments(field: Field | undefined): Record<string, string> {
  const args = readValues(field);
  for (const name of field ? secretNamesIn(Object.values(args)) : []) {
    if (field)
      fail(
        field,
        `Build arguments stay in the image; list the secret \`${name}\` under \`build.secrets\` and mount it.`,
      );
  }
  const long = Object.keys(args).find((name) => Buffer.byteLength(args[name] ?? '') > longestArgument);
  if (field && long !== undefined)
    fail(field, `The build argument \`${long}\` is longer than ${longestArgument} bytes.`);
  return args;
}

const plainBuild = {
  target: null,
  args: {},
  platforms: [],
  secrets: [],
  timeoutMs: null,
  test: null,
  resources: { memoryBytes: null, cpus: null },
};

function readResources(field: Field | undefined): BuildSettings['resources'] {
  const fields = field ? recordOf(field, amountKeys) : new Map<string, Field>();
  return { memoryBytes: readByteSize(fields.get('memory')), cpus: readCpus(fields.get('cpus')) };
}

/** Text is a command for a shell, a list is a program with its arguments, a mapping names a target or a command. */
function readTest(field: Field | undefined): BuildTest | null {
  if (!field) return null;
  if (isList(field)) {
    const command = commandWords(field);
    return command.length > 0 ? { shell: false, command } : fail(field, 'Name the program that tests the image.');
  }
  if (!isMapping(field)) {
    const text = commandText(field, 'a command, or a mapping with `target` or `command`');
    return text === null ? null : { shell: true, command: [text] };
  }
  const fields = recordOf(field, testKeys);
  const targetField = fields.get('target');
  const commandField = fields.get('command');
  if (Boolean(targetField) === Boolean(commandField)) {
    return fail(field, 'Write the test as `target`, a stage of the Dockerfile, or as `command`: one of the two.');
  }
  if (!targetField) return readTest(commandField);
  const target = textOf(targetField, 'a stage of the Dockerfile');
  return target === null ? null : { target };
}

function readContext(text: string, field: Field): string | null {
  if (/^[a-z][a-z0-9+.-]*:\/\/|^git@|^github\.com\//i.test(text)) {
    return fail(
      field,
      `A build context is a directory of the repository, not a URL: \`${text}\`. Build from a project of that repository instead.`,
    );
  }
  return readPath(text, field);
}

/** A Dockerfile that begins with the context's path stands in the repository, every other one in the context. */
function readDockerfile(context: string, field: Field | undefined): string | null {
  if (!field) return joined(context, 'Dockerfile');
  const text = textOf(field, 'the path of a Dockerfile');
  if (text === null) return null;
  if (isAbsolute(text)) return readPath(text, field);
  const fromRoot = normalised(text);
  return fromRoot !== null && context !== '.' && fromRoot.startsWith(`${context}/`)
    ? fromRoot
    : readPath(joined(context, text), field, text);
}

/** A path inside the repository, normalised; null after an error for one that leads out of it. */
function readPath(path: string, field: Field, written = path): string | null {
  if (isAbsolute(path)) {
    return fail(field, `\`${written}\` is an absolute path; write it relative to the repository.`);
  }
  return normalised(path) ?? fail(field, `\`${written}\` leads out of the repository; keep it inside.`);
}

function isAbsolute(path: string): boolean {
  return /^([/~]|[A-Za-z]:[\\/])/.test(path);
}

function joined(context: string, path: string): string {
  return context === '.' ? path : `${context}/${path}`;
}

function normalised(path: string): string | null {
  const parts: string[] = [];
  for (const part of path.split(/[/\\]/)) {
    if (part === '..') {
      if (parts.pop() === undefined) return null;
    } else if (part !== '' && part !== '.') parts.push(part);
  }
  return parts.join('/') || '.';
}

function readPlatforms(field: Field): string[] {
  return textsOf(field).filter((platform) => {
    if (!isPlatform(platform)) fail(field, `\`${platform}\` is no platform; write one such as linux/amd64.`);
    return isPlatform(platform);
  });
}

function readBuildSecrets(field: Field | undefined): string[] {
  const names: string[] = [];
  for (const item of field ? (itemsOf(field, 'a list of secret names') ?? []) : []) {
    const source = isMapping(item)
      ? recordOf(item, { read: ['source', 'target'], ignored: new Map() }).get('source')
      : item;
    const name = source ? textOf(source, 'the name of a secret') : fail(item, 'Name the secret as `source`.');
    if (name === null) continue;
    if (isSecretName(name)) names.push(name);
    else fail(item, `\`${name}\` is no name of a secret: use letters, digits and underscores, a letter first.`);
  }
  return names;
}

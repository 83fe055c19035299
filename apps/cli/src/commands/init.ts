import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { basename, dirname, join, relative, resolve } from 'node:path';
import { command, flag, text } from '../command.ts';
import { CommandFailed, exitCodes, UsageError } from '../failure.ts';
import { openRepository } from '../git.ts';

const composeFiles = ['compose.yaml', 'compose.yml', 'docker-compose.yaml', 'docker-compose.yml'];

export const init = command({
  name: 'init',
  summary: 'write .eve/manifest.yaml from a Compose file or a Dockerfile',
  arguments: ['[directory]'],
  options: {
    from: text('<file>', 'the Compose file or Dockerfile; found by itself when left out'),
    name: text('<name>', 'the name of the project; that of the directory when left out'),
    force: flag('replace a manifest that is there'),
  },
  offline: true,

  async run({ directory, answer, say, warn }, { from, name, force }, [given]) {
    const root = await rootOf(resolve(directory, given ?? '.'));
    const file = join(root, '.eve', 'manifest.yaml');
    if (!force && (await read(file)) !== null) {
      throw new CommandFailed(`${file} is there already.`, {
        code: 'manifest_exists',
        exitCode: exitCodes.conflict,
        advice: ['Replace it with --force, or check it: eve manifest validate'],
      });
    }
    const source = from === undefined ? await foundIn(root) : await named(root, resolve(directory, from));
    const project = name ?? basename(root);
    const { manifestFromCompose, manifestFromDockerfile, readManifest } = await import('@eve/operations');
    const made = /\.ya?ml$/i.test(source.path)
      ? manifestFromCompose({ project, text: source.text })
      : manifestFromDockerfile({ project, path: source.path, text: source.text });
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, made.yaml);
    answer({ manifest: file, from: source.path, notes: made.notes }, () => [`Wrote ${file} from ${source.path}.`]);
    for (const note of made.notes) warn(`Note: ${note}`);
    say('Next: look it over, then');
    say('  git add .eve/manifest.yaml && git commit -m "Add the manifest of Eve"');
    say('  eve project create --repo .');
    for (const key of readManifest(made.yaml).secretNames) say(`  eve secrets set ${key} -`);
    say('  eve env deploy test --repo-dir .');
  },
});

/** The manifest stands at the root of the repository. */
async function rootOf(directory: string): Promise<string> {
  return openRepository(directory).then(
    ({ root }) => root,
    () => directory,
  );
}

interface Source {
  readonly path: string;
  readonly text: string;
}

async function foundIn(root: string): Promise<Source> {
  for (const path of [...composeFiles, 'Dockerfile', 'Containerfile']) {
    const found = await read(join(root, path));
    if (found !== null) return { path, text: found };
  }
  throw new CommandFailed(`${root} has no Compose file and no Dockerfile.`, {
    code: 'source_missing',
    exitCode: exitCodes.notFound,
    advice: ['Eve builds images from Dockerfiles: write one, or name yours with --from <file>.'],
  });
}

async function named(root: string, file: string): Promise<Source> {
  const found = await read(file);
  if (found === null) throw new UsageError(`There is no ${file}.`);
  const path = relative(root, file);
  if (path.startsWith('..')) throw new UsageError(`${file} is outside of ${root}.`);
  return { path, text: found };
}

async function read(file: string): Promise<string | null> {
  return readFile(file, 'utf8').catch(() => null);
}

import { basename } from 'node:path';
import type { Project } from '@eve/protocol-rest/contract';
import { command, text } from '../../command.ts';
import type { Context } from '../../context.ts';
import { openRepository } from '../../git.ts';
import { fields } from '../../output/text.ts';
import { linkProject } from '../../project-choice.ts';
import { localDirectory, nameOfAddress, repositoryAddress } from './address.ts';

export const projectOptions = {
  repo: text('<url|path>', 'the git repository: https, ssh, or a path on this machine'),
  name: text('<name>', 'its name; that of the repository when left out'),
  slug: text('<slug>', 'its short name in addresses; made of the name when left out'),
  branch: text('<branch>', 'the default branch (main)'),
  repoTokenSecret: text('<NAME>', 'the secret that holds the token of a private repository (GITHUB_TOKEN)'),
};

export const projectCreate = command({
  name: 'project create',
  summary: 'make a project for a repository; this directory then belongs to it',
  options: projectOptions,
  examples: ['eve project create --repo .', 'eve project create --repo https://github.com/acme/shop --name shop'],

  async run(context, options) {
    const project = await context.api.createProject(wanted(context, options));
    await noteProject(context, project, options.repo);
    context.answer(project, () => [`Project created: ${project.slug}`, ...projectFields(project)]);
  },
});

/** What was asked for, with a name. */
export function wanted(
  { directory, organisation }: Context,
  options: Record<keyof typeof projectOptions, string | undefined>,
) {
  const { repo, name, slug, branch, repoTokenSecret } = options;
  const address = repo === undefined ? undefined : repositoryAddress(repo, directory);
  return {
    name: name ?? (address === undefined ? basename(directory) : nameOfAddress(address)),
    ...(address !== undefined && { repo_url: address }),
    ...(slug && { slug }),
    ...(branch && { branch }),
    ...(repoTokenSecret && { repo_token_secret: repoTokenSecret }),
    ...(organisation && { org_id: organisation }),
  };
}

/** Lets later commands in the working copy find the project: of the repository that was named by its path, or of this directory. */
export async function noteProject(context: Context, project: Project, repo: string | undefined): Promise<void> {
  const place = repo === undefined ? context.directory : localDirectory(repositoryAddress(repo, context.directory));
  const repository = await openRepository(place ?? context.directory).catch(() => null);
  if (!repository) return;
  const file = await linkProject(repository.root, project.id, context.server.url);
  context.say(`Noted in ${file}, which is kept out of git.`);
}

export function projectFields(project: Project): string[] {
  return fields({
    ID: project.id,
    Name: project.name,
    Repository: project.repo_url ?? 'none: deploy with --repo-dir',
    Branch: project.branch,
    'Token secret': project.repo_token_secret,
    Organisation: project.org_id,
  });
}

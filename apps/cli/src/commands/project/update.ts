import { command } from '../../command.ts';
import { UsageError } from '../../failure.ts';
import { repositoryAddress } from './address.ts';
import { projectFields, projectOptions } from './create.ts';

const { slug: _fixed, ...options } = projectOptions;

export const projectUpdate = command({
  name: 'project update',
  summary: 'change the name, repository, branch or token secret of a project',
  arguments: ['[project]'],
  options,

  async run(context, { repo, name, branch, repoTokenSecret }, [given]) {
    const change = {
      ...(repo && { repo_url: repositoryAddress(repo, context.directory) }),
      ...(name && { name }),
      ...(branch && { branch }),
      ...(repoTokenSecret && { repo_token_secret: repoTokenSecret }),
    };
    if (Object.keys(change).length === 0) {
      throw new UsageError('Say what to change: --repo, --name, --branch or --repo-token-secret.');
    }
    const project = await context.api.updateProject(given ?? (await context.project()), change);
    context.answer(project, () => [`Project updated: ${project.slug}`, ...projectFields(project)]);
  },
});

import { command } from '../../command.ts';
import { projectFields } from './create.ts';

export const projectShow = command({
  name: 'project show',
  summary: 'show a project; that of this directory when none is named',
  arguments: ['[project]'],

  async run(context, _options, [name]) {
    const project = await context.api.getProject(name ?? (await context.project()));
    context.answer(project, () => [`Project: ${project.slug}`, ...projectFields(project)]);
  },
});

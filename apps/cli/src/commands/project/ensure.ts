import { command } from '../../command.ts';
import { noteProject, projectFields, projectOptions, wanted } from './create.ts';

export const projectEnsure = command({
  name: 'project ensure',
  summary: 'make a project unless it is there already',
  options: projectOptions,

  async run(context, options) {
    const project = await context.api.ensureProject(wanted(context, options));
    await noteProject(context, project, options.repo);
    context.answer(project, () => [
      `Project ${project.created ? 'created' : 'is there'}: ${project.slug}`,
      ...projectFields(project),
    ]);
  },
});

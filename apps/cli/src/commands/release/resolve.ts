import { command } from '../../command.ts';
import type { Context } from '../../context.ts';
import { projectOfDirectory } from '../../project-choice.ts';
import { releaseFields } from '../../show/release.ts';

export const releaseResolve = command({
  name: 'release resolve',
  summary: 'find a release by its tag',
  arguments: ['<tag>'],
  run: (context, _options, [tag]) => showRelease(context, tag),
});

/** By tag or id; where no project is named or found here, the only one that has it. */
export async function showRelease(context: Context, name: string): Promise<void> {
  const { api, projectFlag, config, directory, server } = context;
  const project = projectFlag ?? config.project ?? (await projectOfDirectory(directory, server.url))?.project;
  const release = await api.getRelease(name, name.startsWith('rel_') ? undefined : project);
  context.answer(release, () => [`Release ${release.tag ?? release.id}`, ...releaseFields(release)]);
}

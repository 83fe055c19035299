import { command } from '../../command.ts';

export const buildDelete = command({
  name: 'build delete',
  summary: 'delete a build with its runs, artifacts and logs; not one that a release names or that runs',
  arguments: ['<build-id>'],
  examples: ['eve build delete bld_…'],

  async run({ api, answer }, _options, [buildId]) {
    await api.deleteBuild(buildId);
    answer({ deleted: buildId }, () => [`Build deleted: ${buildId}`]);
  },
});

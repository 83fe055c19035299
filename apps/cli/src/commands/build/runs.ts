import { command } from '../../command.ts';
import { runTable } from '../../show/build-run.ts';
import { listed, pageQuery, paging } from '../paging.ts';

export const buildRuns = command({
  name: 'build runs',
  summary: 'list the runs of a build, newest first',
  arguments: ['<build-id>'],
  options: paging,

  async run({ api, answer }, options, [buildId]) {
    const runs = await api.listBuildRuns(buildId, pageQuery(options));
    answer(runs, () => listed(runs, 'run', runTable));
  },
});

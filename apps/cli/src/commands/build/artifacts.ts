import { command, text } from '../../command.ts';
import { artifactTable } from '../../show/build.ts';
import { listed } from '../paging.ts';

export const buildArtifacts = command({
  name: 'build artifacts',
  summary: 'list the images of a build with their digests',
  arguments: ['<build-id>'],
  options: { run: text('<run-id>', 'of this run; the newest completed one when left out') },

  async run({ api, answer }, { run }, [buildId]) {
    const artifacts = await api.listBuildArtifacts(buildId, run ? { run_id: run } : undefined);
    answer(artifacts, () => listed(artifacts, 'artifact', artifactTable));
  },
});

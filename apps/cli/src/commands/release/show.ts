import { command } from '../../command.ts';
import { showRelease } from './resolve.ts';

export const releaseShow = command({
  name: 'release show',
  summary: 'show a release with its images',
  arguments: ['<tag|release-id>'],
  run: (context, _options, [name]) => showRelease(context, name),
});

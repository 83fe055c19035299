import { command } from '../../command.ts';

export const releaseDelete = command({
  name: 'release delete',
  summary: 'delete a release; not one that an environment runs or has in its history',
  arguments: ['<tag|release-id>'],
  examples: ['eve release delete v1.0.0-beta.1'],

  async run(context, _options, [name]) {
    await context.api.deleteRelease(await context.project(), name);
    context.answer({ deleted: name }, () => [`Release deleted: ${name}`]);
  },
});

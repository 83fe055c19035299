import { command, text } from '../../command.ts';
import { diffLines } from '../../show/release.ts';

export const releaseDiff = command({
  name: 'release diff',
  summary: 'what lies between two releases: commits, manifest, images, packages, configuration',
  arguments: ['<tag|release-id>', '<tag|release-id>'],
  options: {
    fromEnv: text('<env>', 'compare configuration too: as this environment ran the first'),
    toEnv: text('<env>', 'and as this one ran the second; the same environment unless given'),
  },
  examples: ['eve release diff v1.2.3 v1.3.0', 'eve release diff v1.2.3 v1.3.0 --from-env production --to-env staging'],

  async run(context, { fromEnv, toEnv }, [from, to]) {
    const environments = { ...(fromEnv && { from_env: fromEnv }), ...(toEnv && { to_env: toEnv }) };
    const diff = await context.api.diffReleases(await context.project(), { from, to, ...environments });
    context.answer(diff, () => diffLines(diff));
  },
});

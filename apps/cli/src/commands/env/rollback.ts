import { command, flag, number, switchedOn, text } from '../../command.ts';
import { followDeploy } from '../../follow/deploy.ts';
import { rollbackLines, rollbackWarning } from '../../show/deploy.ts';

export const envRollback = command({
  name: 'env rollback',
  summary: 'make an earlier revision serve again, with the configuration it had',
  arguments: ['<env>'],
  options: {
    to: text('<revision>', 'a revision number, release tag or release id; the one before when left out'),
    release: text('<tag|id>', 'the same as --to'),
    dryRun: flag('only show what would change'),
    watch: switchedOn('follow until it serves; --watch false returns at once'),
    timeout: number('<seconds>', 'stop following after so long; the rollback goes on'),
  },
  examples: ['eve env rollback test', 'eve env rollback production --to 11 --dry-run'],

  async run(context, { to, release, dryRun, watch, timeout }, [name]) {
    const project = await context.project();
    const target = (to ?? release)?.replace(/^.*#/, '');
    const answer = await context.api.rollbackEnvironment(project, name, {
      ...(target !== undefined && { to: target }),
      ...(dryRun && { dry_run: true }),
    });
    const { deploy } = answer;
    const warning = rollbackWarning(answer);
    if (warning) context.warn(warning);
    if (!deploy || !watch) {
      context.answer(answer, () => [
        ...rollbackLines(answer),
        ...(deploy ? [`Deploy: ${deploy.id} ${deploy.status}`] : []),
      ]);
      return undefined;
    }
    rollbackLines(answer).forEach(context.say);
    return followDeploy(context, deploy, { project, environment: name }, timeout);
  },
});

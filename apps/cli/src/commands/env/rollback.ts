import { command, flag, number, switchedOn, text } from '../../command.ts';
import { exitCodes, UsageError } from '../../failure.ts';
import { followDeploy } from '../../follow/deploy.ts';
import { rollbackLines } from '../../show/deploy-plan.ts';

export const envRollback = command({
  name: 'env rollback',
  summary: 'make an earlier revision serve again, with the configuration it had',
  arguments: ['<env>'],
  options: {
    to: text('<revision>', 'a revision such as 12 or staging#12, a release tag or id; the one before when left out'),
    previous: flag('to the revision that was healthy before: the same as leaving out --to'),
    release: text('<tag|id>', 'the same as --to'),
    codeOnly: flag('the release of that revision with the configuration of today'),
    configOnly: flag('the release of today with the configuration and secrets of that revision'),
    strategy: text('<strategy>', 'rolling, blue-green, canary:10,50; the traffic moves at once when left out'),
    dryRun: flag('only show what would change'),
    wait: flag('follow until it serves, the default'),
    watch: switchedOn('follow until it serves; --watch false returns at once'),
    timeout: number('<seconds>', 'stop following after so long; the rollback goes on'),
  },
  examples: [
    'eve env rollback test',
    'eve env rollback production --to v1.4.2 --dry-run',
    'eve env rollback production --to production#11 --config-only',
  ],

  async run(context, options, [name]) {
    const { to, release, previous, codeOnly, configOnly, strategy, dryRun, watch, timeout } = options;
    const project = await context.project();
    const target = to ?? release;
    if (previous && target !== undefined) throw new UsageError('Give --previous or --to, not both.');
    if (codeOnly && configOnly)
      throw new UsageError('Give --code-only or --config-only; without both of them everything comes back.');
    const answer = await context.api.rollbackEnvironment(project, name, {
      ...(target !== undefined && { to: target }),
      ...(codeOnly && { code_only: true }),
      ...(configOnly && { config_only: true }),
      ...(strategy !== undefined && { strategy }),
      ...(dryRun && { dry_run: true }),
    });
    const { deploy } = answer;
    if (!deploy || !watch) {
      context.answer(answer, () => [
        ...rollbackLines(answer),
        ...(deploy ? [`Deploy: ${deploy.id} ${deploy.status}`] : []),
      ]);
      return !deploy && answer.refusals.length > 0 ? exitCodes.conflict : undefined;
    }
    rollbackLines(answer).forEach(context.say);
    return followDeploy(context, deploy, { project, environment: name }, timeout);
  },
});

import { command } from '../../command.ts';
import { followDeploy } from '../../follow/deploy.ts';
import { counted } from '../../output/text.ts';
import { configOptions } from './set.ts';

export const configApply = command({
  name: 'config apply',
  summary: 'deploy what runs with the newest configuration and the newest values of secrets',
  arguments: ['<env>'],
  options: { watch: configOptions.watch, timeout: configOptions.timeout },
  examples: ['eve config apply staging                 after eve secrets set, or eve config set --no-deploy'],

  async run(context, { watch, timeout }, [name]) {
    const project = await context.project();
    const answer = await context.api.applyConfiguration(project, name);
    const { deploy, changes, secrets, running } = answer;
    if (!deploy) {
      const why = running
        ? `${name} runs with all of it.`
        : `Nothing runs in ${name}: the first deploy takes it along.`;
      context.answer(answer, () => [`Nothing to apply. ${why}`]);
      return undefined;
    }
    const news = [
      ...(changes > 0 ? [`${counted(changes, 'value')} of the configuration`] : []),
      ...(secrets.length > 0 ? [`the ${secrets.length === 1 ? 'secret' : 'secrets'} ${secrets.join(', ')}`] : []),
    ];
    const applies = `New for ${name}: ${news.join(' and ')}.`;
    if (!watch) {
      context.answer(answer, () => [applies, `Deploy: ${deploy.id} ${deploy.status}`]);
      return undefined;
    }
    context.say(applies);
    return followDeploy(context, deploy, { project, environment: name }, timeout);
  },
});

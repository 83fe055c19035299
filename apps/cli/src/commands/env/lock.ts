import { command, text } from '../../command.ts';
import { UsageError } from '../../failure.ts';
import { lockText } from '../../show/environment.ts';

export const envLock = command({
  name: 'env lock',
  summary: 'let nothing be deployed to an environment until it is unlocked; what is under way goes on',
  arguments: ['<env>'],
  options: { reason: text('<text>', 'why, for whoever meets the lock') },
  examples: ['eve env lock production --reason "moving the database"'],

  async run(context, { reason }, [name]) {
    if (!reason) throw new UsageError(`Say why: eve env lock ${name} --reason <text>`);
    const environment = await context.api.lockEnvironment(await context.project(), name, { reason });
    const { lock } = environment;
    context.answer(environment, () => [`Environment ${name} is locked ${lock ? lockText(lock) : ''}`]);
    context.say(`Take it away: eve env unlock ${name}`);
  },
});

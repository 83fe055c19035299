import { command } from '../../command.ts';
import { lockText } from '../../show/environment.ts';

export const envUnlock = command({
  name: 'env unlock',
  summary: 'take the lock of an environment away, whoever holds it, and say whose it was',
  arguments: ['<env>'],

  async run(context, _options, [name]) {
    const answer = await context.api.unlockEnvironment(await context.project(), name);
    const { released } = answer;
    context.answer(answer, () => [
      released
        ? `Environment ${name} is unlocked. It was locked ${lockText(released)}`
        : `Environment ${name} was not locked.`,
    ]);
  },
});

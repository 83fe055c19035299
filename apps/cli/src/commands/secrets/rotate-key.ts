import { command } from '../../command.ts';
import { CommandFailed } from '../../failure.ts';
import { counted } from '../../output/text.ts';

export const secretsRotateKey = command({
  name: 'secrets rotate-key',
  summary: 'seal every secret of the installation anew with a new master key; only for its operator',
  examples: ['eve secrets rotate-key     builds and deploys go on; after an interruption, ask again'],

  async run(context) {
    const keyText = ({ id, version }: { id: string; version: number }) => `${id} (version ${version})`;
    return context.following(async (signal) => {
      let resealed = 0;
      for (;;) {
        const step = await context.api.rotateMasterKey({ signal });
        resealed += step.resealed;
        if (step.started) context.say(`New master key: ${keyText(step.key)}`);
        if (step.done) {
          context.answer({ ...step, resealed }, () => [
            `${counted(resealed, 'value')} sealed anew with master key ${keyText(step.key)}.`,
            ...(step.forgotten.length > 0 ? [`Forgotten: ${step.forgotten.map(keyText).join(', ')}`] : []),
            'Back the key up anew. Where EVE_MASTER_KEY gives it: take EVE_MASTER_KEY_FORMER away now.',
          ]);
          return undefined;
        }
        if (step.resealed === 0 && step.unreadable.length >= step.remaining) {
          throw new CommandFailed(
            `${counted(step.unreadable.length, 'value')} cannot be opened, so the former key is kept: ${step.unreadable.join(', ')}.`,
            {
              code: 'secrets_unreadable',
              advice: [
                'Every other value is sealed anew. Set these secrets again or delete them; the log of the server names them too.',
              ],
            },
          );
        }
        context.say(`${resealed} sealed anew, ${step.remaining} left`);
      }
    });
  },
});

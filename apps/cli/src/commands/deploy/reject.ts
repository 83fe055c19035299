import { command, text } from '../../command.ts';
import { deployState } from '../../show/deploy.ts';

export const deployReject = command({
  name: 'deploy reject',
  summary: 'end a deploy that waits for an approval',
  arguments: ['<deploy-id>'],
  options: { reason: text('<why>', 'kept with the deploy') },

  async run({ api, answer }, { reason }, [deployId]) {
    const deploy = await api.rejectDeploy(deployId, reason === undefined ? {} : { reason });
    answer(deploy, () => [
      `Deploy ${deploy.id}: ${deployState(deploy)}${deploy.cancel_reason ? `, ${deploy.cancel_reason}` : ''}`,
    ]);
  },
});

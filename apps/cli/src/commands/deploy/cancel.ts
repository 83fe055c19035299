import { command } from '../../command.ts';
import { deployState } from '../../show/deploy.ts';

export const deployCancel = command({
  name: 'deploy cancel',
  summary: 'cancel a deploy; what served before goes on serving',
  arguments: ['<deploy-id>'],

  async run({ api, answer }, _options, [deployId]) {
    const deploy = await api.cancelDeploy(deployId);
    answer(deploy, () => [`Deploy ${deploy.id}: ${deployState(deploy)}`]);
  },
});

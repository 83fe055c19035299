import { command } from '../../command.ts';
import { canaryText } from '../../show/deploy-detail.ts';

export const deployPause = command({
  name: 'deploy pause',
  summary: 'keep a canary at the step where it is, until it is promoted or aborted',
  arguments: ['<deploy-id>'],

  async run({ api, answer }, _options, [deployId]) {
    const deploy = await api.pauseDeploy(deployId);
    answer(deploy, () => [`Deploy ${deploy.id}: paused (${canaryText(deploy) ?? deploy.phase})`]);
  },
});

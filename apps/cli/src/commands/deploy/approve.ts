import { command, flag, number } from '../../command.ts';
import { followDeploy } from '../../follow/deploy.ts';
import { deployState } from '../../show/deploy.ts';

export const deployApprove = command({
  name: 'deploy approve',
  summary: 'let a deploy begin that waits for an approval',
  arguments: ['<deploy-id>'],
  options: {
    wait: flag('follow it until it serves or has failed; its outcome is the exit code'),
    timeout: number('<seconds>', 'stop following after so long; the deploy goes on'),
  },

  async run(context, { wait, timeout }, [deployId]) {
    const deploy = await context.api.approveDeploy(deployId);
    if (!wait) return context.answer(deploy, () => [`Deploy ${deploy.id}: ${deployState(deploy)}`]);
    const { project_id: project, env_name: environment } = await context.api.getDeploy(deployId);
    return followDeploy(context, deploy, { project, environment }, timeout);
  },
});

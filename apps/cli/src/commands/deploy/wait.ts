import { command, number } from '../../command.ts';
import { followDeploy } from '../../follow/deploy.ts';

export const deployWait = command({
  name: 'deploy wait',
  summary: 'follow a deploy until it serves, has failed or waits for somebody; its outcome is the exit code (0, 1, 5)',
  arguments: ['<deploy-id>'],
  options: { timeout: number('<seconds>', 'stop following after so long; the deploy goes on') },

  async run(context, { timeout }, [deployId]) {
    const deploy = await context.api.getDeploy(deployId);
    return followDeploy(context, deploy, { project: deploy.project_id, environment: deploy.env_name }, timeout);
  },
});

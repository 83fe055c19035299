import { command, number } from '../../command.ts';
import { followDeploy } from '../../follow/deploy.ts';

export const deployWait = command({
  name: 'deploy wait',
  summary: 'follow a deploy until it serves or has failed; its outcome is the exit code',
  arguments: ['<deploy-id>'],
  options: { timeout: number('<seconds>', 'stop following after so long; the deploy goes on') },

  async run(context, { timeout }, [deployId]) {
    const deploy = await context.api.getDeploy(deployId);
    const { data } = await context.api.listEnvironments(deploy.project_id, { limit: 100 });
    const environment = data.find(({ id }) => id === deploy.environment_id)?.name ?? null;
    return followDeploy(context, deploy, { project: deploy.project_id, environment }, timeout);
  },
});

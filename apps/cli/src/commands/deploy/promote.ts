import { command, flag, number } from '../../command.ts';
import { followDeploy } from '../../follow/deploy.ts';
import { pollUntil } from '../../follow/patience.ts';

export const deployPromote = command({
  name: 'deploy promote',
  summary: 'give a canary its next step, or all of the traffic',
  arguments: ['<deploy-id>'],
  options: {
    full: flag('all of the traffic at once'),
    wait: flag('follow it until it serves, has failed or waits again; its outcome is the exit code'),
    timeout: number('<seconds>', 'stop following after so long; the deploy goes on'),
  },
  examples: ['eve deploy promote dep_… --full --wait'],

  async run(context, { full, wait, timeout }, [deployId]) {
    const deploy = await context.api.promoteDeploy(deployId, { full });
    if (!wait)
      return context.answer(deploy, () => [
        `Deploy ${deploy.id}: ${full ? 'all of the traffic' : 'the next step'} was asked for.`,
        `  How it goes on: eve deploy wait ${deploy.id}`,
      ]);
    const { project_id: project, env_name: environment } = await context.api.getDeploy(deployId);
    // Until it is taken up, the deploy still shows that it waits.
    await context.following((signal) =>
      pollUntil(
        () => context.api.getDeploy(deployId),
        ({ canary_request: request, completed_at: ended }) => request === null || ended !== null,
        { signal },
      ),
    );
    return followDeploy(context, deploy, { project, environment }, timeout);
  },
});

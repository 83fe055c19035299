import { command, flag, number } from '../../command.ts';
import { exitCodeOfDeploy } from '../../follow/deploy.ts';
import { followed } from '../../follow/detach.ts';
import { printLog } from '../../follow/log.ts';
import { printStored } from '../../follow/stored-log.ts';
import { deployOutcome } from '../../show/deploy.ts';

export const deployLogs = command({
  name: 'deploy logs',
  summary: 'show what a deploy did, line by line',
  arguments: ['<deploy-id>'],
  options: {
    follow: flag('go on until the deploy ends; its outcome is the exit code', 'f'),
    tail: number('<n>', 'only the last so many lines'),
  },

  async run(context, { follow, tail }, [deployId]) {
    const { api, json, print, say, style } = context;
    if (follow) {
      const wayBack = {
        what: `deploy ${deployId}`,
        follow: `eve deploy logs ${deployId} --follow`,
        cancel: `eve deploy abort ${deployId}`,
      };
      return followed(
        context,
        () => wayBack,
        undefined,
        async (signal) => {
          const events = api.followDeployLogs(deployId, { signal, tail });
          if (json) for await (const event of events) print(JSON.stringify(event));
          else await printLog(events, { print, say, style });
          const deploy = await api.getDeploy(deployId);
          deployOutcome(deploy, null).forEach(say);
          return exitCodeOfDeploy(deploy);
        },
      );
    }
    await printStored(context, (range) => api.deployLogs(deployId, range), tail);
    return undefined;
  },
});

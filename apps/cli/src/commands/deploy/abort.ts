import { type Command, command, text } from '../../command.ts';
import { deployState } from '../../show/deploy.ts';

const ofAbort = (name: string, summary: string): Command =>
  command({
    name,
    summary,
    arguments: ['<deploy-id>'],
    options: { reason: text('<why>', 'kept with the deploy') },

    async run({ api, answer }, { reason }, [deployId]) {
      const deploy = await api.cancelDeploy(deployId, reason === undefined ? {} : { reason });
      answer(deploy, () => [`Deploy ${deploy.id}: ${deployState(deploy)}`]);
    },
  });

export const deployAbort = ofAbort('deploy abort', 'end a deploy; what served before goes on serving');

/** Its older name. */
export const deployCancel = ofAbort('deploy cancel', 'the same as abort');

import { command } from '../../command.ts';
import { deployFields } from '../../show/deploy.ts';

export const deployShow = command({
  name: 'deploy show',
  summary: 'show a deploy and how it ended',
  arguments: ['<deploy-id>'],

  async run({ api, answer }, _options, [deployId]) {
    const deploy = await api.getDeploy(deployId);
    answer(deploy, () => [`Deploy: ${deploy.id}`, ...deployFields(deploy)]);
  },
});

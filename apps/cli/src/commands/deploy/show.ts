import type { DeployInstance } from '@eve/protocol-rest/contract';
import { command } from '../../command.ts';
import type { Context } from '../../context.ts';
import { deployLines } from '../../show/deploy-detail.ts';

export const deployShow = command({
  name: 'deploy show',
  summary: 'show a deploy: what it brings where, how far it is, and what its instances said when it failed',
  arguments: ['<deploy-id>'],

  async run(context, _options, [deployId]) {
    const deploy = await context.api.getDeploy(deployId);
    const instances = await instancesOf(context, deployId);
    context.answer({ ...deploy, instances }, () => deployLines(deploy, instances ?? []));
  },
});

/** What runs of it; the rest is worth showing also while the engine does not answer. */
async function instancesOf({ api, warn }: Context, deployId: string): Promise<DeployInstance[] | null> {
  try {
    return (await api.deployInstances(deployId)).data;
  } catch (error) {
    warn(`Its instances could not be read: ${error instanceof Error ? error.message : error}`);
    return null;
  }
}

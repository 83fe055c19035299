import { command, number, switchedOn } from '../../command.ts';
import { followDeploy } from '../../follow/deploy.ts';

export const envRepair = command({
  name: 'env repair',
  summary: 'start again what is lost or changed of what serves; what is well is left running',
  arguments: ['<env>'],
  options: {
    watch: switchedOn('follow until it serves; --watch false returns at once'),
    timeout: number('<seconds>', 'stop following after so long; the repair goes on'),
  },

  async run(context, { watch, timeout }, [name]) {
    const project = await context.project();
    const deploy = await context.api.repairEnvironment(project, name);
    if (!watch) {
      context.answer(deploy, () => [`Repair of ${name}: ${deploy.id} ${deploy.status}`]);
      return undefined;
    }
    context.say(`Repair of ${name}: ${deploy.id}`);
    return followDeploy(context, deploy, { project, environment: name }, timeout);
  },
});

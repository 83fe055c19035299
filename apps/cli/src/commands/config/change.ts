import type { SetConfiguration } from '@eve/protocol-rest/contract';
import type { Context } from '../../context.ts';
import { followDeploy } from '../../follow/deploy.ts';

/** Records a change of configuration and follows the deploy that brings it to what runs. */
export async function changeConfiguration(
  context: Context,
  name: string,
  change: Pick<SetConfiguration, 'set' | 'unset'>,
  options: {
    service: string | undefined;
    message: string | undefined;
    noDeploy: boolean;
    watch: boolean;
    timeout: number | undefined;
  },
): Promise<number | undefined> {
  const { service, message, noDeploy, watch, timeout } = options;
  const project = await context.project();
  const answer = await context.api.setConfiguration(project, name, {
    ...change,
    ...(service && { service }),
    ...(message && { message }),
    ...(noDeploy && { deploy: false }),
  });
  const recorded = `Configuration ${answer.version.number} of ${name} recorded.`;
  if (!answer.deploy || !watch) {
    const deploy = answer.deploy ? `Deploy: ${answer.deploy.id} ${answer.deploy.status}` : 'Nothing was deployed.';
    context.answer(answer, () => [recorded, deploy]);
    return undefined;
  }
  context.say(recorded);
  return followDeploy(context, answer.deploy, { project, environment: name }, timeout);
}

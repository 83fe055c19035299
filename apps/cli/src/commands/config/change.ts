import type { SetConfiguration } from '@eve/protocol-rest/contract';
import type { Context } from '../../context.ts';
import { exitCodes } from '../../failure.ts';
import { followDeploy } from '../../follow/deploy.ts';
import { changeLines } from '../../show/configuration.ts';

export interface ChangeOptions {
  readonly service: string | undefined;
  readonly message: string | undefined;
  readonly expect: number | undefined;
  readonly noDeploy: boolean;
  readonly watch: boolean;
  readonly timeout: number | undefined;
}

/** Records a change of configuration and follows the deploy that brings it to what runs. */
export async function changeConfiguration(
  context: Context,
  name: string,
  change: Pick<SetConfiguration, 'set' | 'unset' | 'restore'>,
  { service, message, expect, noDeploy, watch, timeout }: ChangeOptions,
): Promise<number | undefined> {
  const project = await context.project();
  const answer = await context.api.setConfiguration(project, name, {
    ...change,
    ...(service && { service }),
    ...(message && { message }),
    ...(expect !== undefined && { expected_version: expect }),
    ...(noDeploy && { deploy: false }),
  });
  const { version, changes, deploy, warnings } = answer;
  for (const warning of warnings) context.warn(warning);
  if (!version || changes.length === 0) {
    const is = version ? `version ${version.number} stays the newest` : 'it has none';
    context.answer(answer, () => [`Nothing to change in the configuration of ${name}: ${is}. Nothing was deployed.`]);
    return undefined;
  }
  const recorded = [...changeLines(changes, context.style), `Configuration ${version.number} of ${name} recorded.`];
  if (!deploy || !watch) {
    const how = noDeploy ? ` Bring it to what runs with: eve config apply ${name}` : '';
    const outcome = deploy ? `Deploy: ${deploy.id} ${deploy.status}` : `Nothing was deployed.${how}`;
    context.answer(answer, () => [...recorded, outcome]);
    return undefined;
  }
  for (const line of recorded) context.say(line);
  const code = await followDeploy(context, deploy, { project, environment: name }, timeout);
  if (code === exitCodes.failed) await tellWayBack(context, project, name, version.number);
  return code;
}

/** After a deploy that failed: its configuration is the newest one still, and the next deploy would take it along. */
async function tellWayBack(context: Context, project: string, name: string, number: number): Promise<void> {
  const running = (await context.api.getConfiguration(project, name))?.running ?? null;
  if (running === null || running === number) return;
  context.warn(
    [
      `${name} goes on with configuration ${running}. Version ${number} stays the newest: the next deploy takes it along.`,
      `  Take it back:  eve config restore ${name} ${running} --no-deploy`,
      `  Or correct it: eve config set ${name} NAME=value`,
    ].join('\n'),
  );
}

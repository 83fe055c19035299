import type { UpdateEnvironment } from '@eve/protocol-rest/contract';
import { command, text } from '../../command.ts';
import { UsageError } from '../../failure.ts';
import { environmentLines } from '../../show/environment.ts';

type Settings = NonNullable<UpdateEnvironment['settings']>;

const switchWords = '<on|off|default>';

export const envUpdate = command({
  name: 'env update',
  summary: 'change the settings of an environment; "default" takes one back to what the manifest says',
  arguments: ['<env>'],
  options: {
    type: text('<type>', 'persistent or temporary'),
    strategy: text('<strategy>', 'rolling, blue-green:10m, canary:10@5m,50 …'),
    approval: text('<required|none|default>', 'whether somebody has to approve a deploy'),
    drift: text('<report|repair|default>', 'what is done when something else runs than was deployed'),
    autoDeploy: text(switchWords, 'whether triggers may deploy'),
    protected: text(switchWords, 'take tagged releases only, refuse to be deleted, nobody approves their own deploy'),
    autoRollback: text(switchWords, 'whether what turns out unstable gives way to what was before'),
    stabilise: text('<time|default>', 'how long a new revision is watched after its switch, such as 30s'),
    ifVersion: text('<version>', 'refuse where somebody has changed it since this version was read'),
  },
  examples: [
    'eve env update production --strategy canary:10@5m,50 --approval required',
    'eve env update production --protected on --drift repair',
    'eve env update staging --strategy default',
  ],

  async run(context, { type, ifVersion, ...given }, [name]) {
    const settings: Settings = {
      ...setting('strategy', given.strategy, (word) => word),
      // The server knows the words and says so.
      ...setting('approval', given.approval, (word) => word as 'none'),
      ...setting('drift', given.drift, (word) => word as 'report'),
      ...setting('auto_deploy', given.autoDeploy, (word) => onOff('auto-deploy', word)),
      ...setting('protected', given.protected, (word) => onOff('protected', word)),
      ...setting('auto_rollback', given.autoRollback, (word) => onOff('auto-rollback', word)),
      ...setting('stabilise', given.stabilise, (word) => word),
    };
    if (type === undefined && Object.keys(settings).length === 0) {
      throw new UsageError('Say what to change, such as --strategy canary or --drift repair.');
    }
    const project = await context.project();
    await context.api.updateEnvironment(project, name, {
      ...(type !== undefined && { type: type as 'persistent' }),
      ...(Object.keys(settings).length > 0 && { settings }),
      ...(ifVersion !== undefined && { expected_version: ifVersion }),
    });
    const environment = await context.api.getEnvironment(project, name);
    context.answer(environment, () => environmentLines(environment));
  },
});

/** Nothing where the option was not given, and null where it is to be taken back. */
function setting<Name extends string, Value>(
  name: Name,
  word: string | undefined,
  read: (word: string) => Value,
): { [Key in Name]?: Value | null } {
  if (word === undefined) return {};
  const value = word === 'default' ? null : read(word);
  return { [name]: value } as { [Key in Name]: Value | null }; // a computed name is only known as a string
}

function onOff(option: string, word: string): boolean {
  if (word === 'on' || word === 'true' || word === 'yes') return true;
  if (word === 'off' || word === 'false' || word === 'no') return false;
  throw new UsageError(`--${option} takes on, off or default, not "${word}".`);
}

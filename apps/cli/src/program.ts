import { type Argument, Command as Commander, Option as CommanderOption, InvalidArgumentError } from 'commander';
import type { Command, Option } from './command.ts';
import { groups } from './commands/groups.ts';
import { optionName } from './option-name.ts';
import { versionOfCli } from './version.ts';

/** Options that every command takes. */
export interface GlobalOptions {
  readonly json: boolean;
  readonly apiUrl: string | undefined;
  readonly profile: string | undefined;
  readonly org: string | undefined;
  readonly project: string | undefined;
}

export type Carry = (
  command: Command,
  globals: GlobalOptions,
  options: Readonly<Record<string, unknown>>,
  args: readonly unknown[],
) => Promise<void>;

const globalGroup = 'Options of every command:';

/** The command line as commander understands it. Parsing throws CommanderError; `carry` is called with what was asked. */
export function program(commands: readonly Command[], carry: Carry): Commander {
  const eve = new Commander('eve')
    .description('From source code to running software in three recorded stages: build, release, run.')
    .enablePositionalOptions()
    .exitOverride()
    .configureOutput({ outputError: () => {} })
    .configureHelp({ showGlobalOptions: false, commandUsage: usageOf, subcommandTerm: termOf })
    .helpCommand(false)
    .version(versionOfCli(), '-v, --version', 'print the version')
    .helpOption('-h, --help', 'show this help')
    .addHelpText('after', `\n${firstSteps}`);
  for (const option of globalOptions()) eve.addOption(option);
  const parents = new Map<string, Commander>([['', eve]]);
  for (const [name, { about, heading }] of Object.entries(groups)) {
    parents.set(
      name,
      eve
        .command(name)
        .description(about)
        .helpGroup(heading)
        .helpOption('-h, --help', 'show this help')
        .helpCommand(false),
    );
  }
  for (const command of commands) register(parents, command, eve, carry);
  return eve;
}

function register(parents: ReadonlyMap<string, Commander>, command: Command, eve: Commander, carry: Carry): void {
  const words = command.name.split(' ');
  const own = words.pop() ?? '';
  const parent = parents.get(words.join(' ')) ?? eve;
  const made = parent.command([own, ...command.arguments].join(' ')).description(command.summary);
  made.helpOption('-h, --help', 'show this help');
  if (words.length === 0) made.helpGroup('Everything else:');
  if (command.passThrough) made.allowUnknownOption().passThroughOptions();
  for (const [name, option] of Object.entries(command.options)) made.addOption(commanderOption(name, option));
  for (const option of globalOptions()) made.addOption(option);
  if (command.examples.length > 0) {
    made.addHelpText('after', `\nExamples:\n${command.examples.map((line) => `  ${line}`).join('\n')}`);
  }
  made.action(async (...given: unknown[]) => {
    const args = given.slice(0, command.arguments.length);
    // Commander's own values: those of `commanderOption` and `globalOptions`, by the same names.
    const values = { ...eve.opts(), ...made.opts() } as Record<string, unknown> &
      Partial<GlobalOptions> & { api?: string };
    const globals: GlobalOptions = {
      json: values.json ?? false,
      apiUrl: values.apiUrl ?? values.api,
      profile: values.profile,
      org: values.org,
      project: values.project,
    };
    await carry(command, globals, withDefaults(command.options, values), args);
  });
}

function withDefaults(options: Command['options'], values: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(options).map(([name, { kind }]) => {
      const missing = kind === 'flag' ? false : kind === 'switch' ? true : undefined;
      return [name, givenValue(name, values) ?? missing];
    }),
  );
}

/** Commander takes `--no-deploy` for a false `deploy`. */
function givenValue(name: string, values: Readonly<Record<string, unknown>>): unknown {
  const [, initial, rest = ''] = /^no([A-Z])(.*)$/.exec(name) ?? [];
  if (initial === undefined) return values[name];
  return values[`${initial.toLowerCase()}${rest}`] === false ? true : undefined;
}

function globalOptions(): CommanderOption[] {
  return [
    new CommanderOption('--json', 'print JSON, one line per answer'),
    new CommanderOption('--project <id|slug>', 'the project (EVE_PROJECT_ID)'),
    new CommanderOption('--org <id|slug>', 'the organisation'),
    new CommanderOption('--api-url <url>', 'the server (EVE_API_URL; its token is read from EVE_TOKEN)'),
    new CommanderOption('--api <url>').hideHelp(),
    new CommanderOption('--profile <name>', 'a server logged in to with `eve auth login` (EVE_PROFILE)'),
  ].map((option) => option.helpGroup(globalGroup));
}

function commanderOption(name: string, { kind, value, about, short }: Option): CommanderOption {
  const long = optionName(name);
  const shape = kind === 'switch' ? ' [true|false]' : value ? ` ${value}` : '';
  const option = new CommanderOption(`${short ? `-${short}, ` : ''}${long}${shape}`, about);
  if (kind === 'number') option.argParser(wholeNumber);
  if (kind === 'list') option.argParser((text, before?: string[]) => [...(before ?? []), ...separated(text)]);
  if (kind === 'each') option.argParser((text, before?: string[]) => [...(before ?? []), text]);
  if (kind === 'switch') option.argParser(truth);
  return option;
}

function separated(text: string): string[] {
  return text
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '');
}

function wholeNumber(text: string): number {
  if (!/^\d{1,9}$/.test(text)) throw new InvalidArgumentError('It must be a whole number.');
  return Number(text);
}

function truth(text: string): boolean {
  if (/^(true|yes|on|1)$/i.test(text)) return true;
  if (/^(false|no|off|0)$/i.test(text)) return false;
  throw new InvalidArgumentError('It must be true or false.');
}

function argumentTerm(argument: Argument): string {
  const shown = `${argument.name()}${argument.variadic ? '...' : ''}`;
  return argument.required ? `<${shown}>` : `[${shown}]`;
}

/** `logs <build-id>` in a list of commands. */
function termOf(command: Commander): string {
  return [command.name(), ...command.registeredArguments.map((each) => argumentTerm(each))].join(' ');
}

/** `eve build logs <build-id> [options]`: what must be given stands first. */
function usageOf(command: Commander): string {
  const names: string[] = [];
  for (let each: Commander | null = command; each; each = each.parent) names.unshift(each.name());
  const args = command.registeredArguments.map((each) => argumentTerm(each));
  return [...names, ...(command.commands.length > 0 ? ['<command>'] : args), '[options]'].join(' ');
}

const firstSteps = `First steps, in a git repository with a Dockerfile or Compose file:
  eve init                                    write .eve/manifest.yaml; commit it
  eve project create --repo .                 make the project
  eve secrets set NAME -                      each secret that the manifest names
  eve env deploy test --ref main --repo-dir . build, release and deploy a commit
  eve env status test                         what runs, and where

Exit codes: 0 done, 1 failed, 2 usage, 3 not found or no right, 4 conflict,
5 waiting for an approval, 75 worth a retry, 130 interrupted.`;

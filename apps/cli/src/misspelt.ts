import type { Command } from './command.ts';

const otherWords: Readonly<Record<string, (rest: readonly string[]) => string>> = {
  'deploy history': () => 'See eve deploy list --env <env>, or the revisions of an environment: eve env history <env>',
  'env rollback': ([environment = '<env>', target = '<revision>']) =>
    `Name the revision with --to: eve env rollback ${environment} --to ${target}`,
};

/** What was probably meant by a command line that is refused; null when nothing is known to look like it. */
export function meantBy(args: readonly string[], commands: readonly Pick<Command, 'name'>[]): string | null {
  const words = args.filter((word) => !word.startsWith('-'));
  const name = words.slice(0, 2).join(' ');
  if (Object.hasOwn(otherWords, name)) return otherWords[name]?.(words.slice(2)) ?? null;
  const [group] = words;
  const near = commands
    .filter((command) => command.name.startsWith(`${group} `))
    .map((command) => `eve ${command.name}`);
  return near.length > 0 && !commands.some((command) => command.name === name) ? `There is: ${near.join(', ')}` : null;
}

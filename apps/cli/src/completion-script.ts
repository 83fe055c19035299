import type { Command } from './command.ts';
import { optionName } from './option-name.ts';

export const shells = ['bash', 'zsh', 'fish'] as const;
export type Shell = (typeof shells)[number];

const everywhere = ['--json', '--project', '--org', '--api-url', '--profile', '--help'];

/** What may follow each beginning of a command line: words that are commands, then options. */
export function continuations(commands: readonly Command[]): ReadonlyMap<string, readonly string[]> {
  const found = new Map<string, Set<string>>([['', new Set()]]);
  for (const { name, options } of commands) {
    const words = name.split(' ');
    words.forEach((word, depth) => {
      const before = words.slice(0, depth).join(' ');
      found.set(before, (found.get(before) ?? new Set()).add(word));
    });
    found.set(name, new Set([...(found.get(name) ?? []), ...Object.keys(options).map(optionName)]));
  }
  return new Map([...found].map(([path, words]) => [path, [...words, ...everywhere]]));
}

/** A script that a shell reads; it starts no program when it completes. */
export function scriptFor(shell: Shell, commands: readonly Command[]): string {
  const table = continuations(commands);
  if (shell === 'fish') return fish(table);
  return shell === 'bash' ? bash(table) : zsh(table);
}

/** The path of nouns and verbs typed so far is what the table knows of; options and other words do not lengthen it. */
function cases(table: ReadonlyMap<string, readonly string[]>): string {
  return [...table].map(([path, words]) => `    '${path}') echo '${words.join(' ')}' ;;`).join('\n');
}

const walk = `  local path='' next word
  for word in "$@"; do
    next="\${path:+$path }$word"
    if [ -n "$(_eve_words "$next")" ]; then path="$next"; fi
  done
  _eve_words "$path"`;

const shared = (table: ReadonlyMap<string, readonly string[]>) => `_eve_words() {
  case "$1" in
${cases(table)}
  esac
}
_eve_after() {
${walk}
}`;

const bash = (table: ReadonlyMap<string, readonly string[]>) => `${shared(table)}
_eve_complete() {
  local current="\${COMP_WORDS[COMP_CWORD]}"
  COMPREPLY=($(compgen -W "$(_eve_after "\${COMP_WORDS[@]:1:COMP_CWORD-1}")" -- "$current"))
}
complete -o default -F _eve_complete eve`;

const zsh = (table: ReadonlyMap<string, readonly string[]>) => `#compdef eve
${shared(table)}
_eve() {
  local -a found
  found=(\${=:-"$(_eve_after "\${(@)words[2,CURRENT-1]}")"})
  compadd -a found || _files
}
compdef _eve eve`;

function fish(table: ReadonlyMap<string, readonly string[]>): string {
  const lines = [...table].map(([path, words]) => `    case '${path}'\n      printf '%s\\n' ${words.join(' ')}`);
  return `function __eve_words
  switch "$argv[1]"
${lines.join('\n')}
  end
end
function __eve_after
  set -l path ''
  for word in (commandline -opc)[2..-1]
    set -l next (string trim -- "$path $word")
    if test -n "(__eve_words $next | string collect)"
      test (count (__eve_words $next)) -gt 0; and set path $next
    end
  end
  __eve_words $path
end
complete -c eve -a '(__eve_after)'`;
}

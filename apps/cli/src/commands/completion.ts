import type { Command } from '../command.ts';
import { command } from '../command.ts';
import { type Shell, scriptFor, shells } from '../completion-script.ts';
import { UsageError } from '../failure.ts';

export function completion(commands: () => readonly Command[]): Command {
  return command({
    name: 'completion',
    summary: 'print the completion script of a shell: bash, zsh or fish',
    arguments: ['<shell>'],
    offline: true,
    examples: [
      'bash:  source <(eve completion bash)             in ~/.bashrc',
      'zsh:   source <(eve completion zsh)              in ~/.zshrc, after compinit',
      'fish:  eve completion fish > ~/.config/fish/completions/eve.fish',
    ],

    async run({ print }, _options, [name]) {
      const shell = shells.find((each): each is Shell => each === name);
      if (!shell) throw new UsageError(`There is no completion for "${name}": it is made for ${shells.join(', ')}.`);
      print(scriptFor(shell, commands()));
    },
  });
}

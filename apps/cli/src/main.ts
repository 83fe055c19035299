import { eveClient } from '@eve/protocol-rest/client';
import { CommanderError } from 'commander';
import type { Command } from './command.ts';
import { allCommands } from './commands/all.ts';
import { type CliConfig, readConfig } from './config.ts';
import { type Context, styleOf } from './context.ts';
import { exitCodes } from './failure.ts';
import { meantBy } from './misspelt.ts';
import { printable } from './output/text.ts';
import { type GlobalOptions, program } from './program.ts';
import { projectOfDirectory, projectUnknown } from './project-choice.ts';
import { type FailedCall, reportOf } from './report.ts';
import { findServer, noServer, type Server } from './server.ts';

/** Runs one command line to its end and sets the exit code of the process. */
export async function start(args: readonly string[]): Promise<void> {
  // A reader that has seen enough, such as `head`, ends the command without a complaint.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => process.exit(error.code === 'EPIPE' ? 0 : 1));
  const seen: { call?: FailedCall; url?: string } = {};
  try {
    const config = readConfig();
    await program(allCommands, async (command, globals, options, given) => {
      process.exitCode = await carry(config, seen, command, globals, options, given);
    }).parseAsync(args, { from: 'user' });
  } catch (error) {
    if (error instanceof CommanderError && error.exitCode === 0) return;
    // A group without a command has shown its help.
    if (error instanceof CommanderError && error.code === 'commander.help') {
      process.exitCode = exitCodes.usage;
      return;
    }
    const meant = error instanceof CommanderError ? meantBy(args, allCommands) : null;
    const { lines, json, exitCode } = reportOf(error, { ...seen, meant });
    process.stderr.write(args.includes('--json') ? `${JSON.stringify(json)}\n` : `${harmless(lines.join('\n'))}\n`);
    process.exitCode = exitCode;
  }
}

async function carry(
  config: CliConfig,
  seen: { call?: FailedCall; url?: string },
  command: Command,
  globals: GlobalOptions,
  options: Readonly<Record<string, unknown>>,
  args: readonly unknown[],
): Promise<number> {
  const server = command.offline === true ? null : await findServer(config, globals);
  if (!server && !command.offline) throw noServer;
  seen.url = server?.url;
  const context = contextFor(config, globals, server ?? { url: '', token: undefined, from: '' }, noting(seen));
  return (await command.run(context, options, args)) ?? exitCodes.done;
}

function contextFor(
  config: CliConfig,
  globals: GlobalOptions,
  server: Server,
  fetch: typeof globalThis.fetch,
): Context {
  const { json, org, project, profile, apiUrl } = globals;
  const style = styleOf(config.colours && process.stdout.isTTY === true && !json);
  const print = (line: string) => void process.stdout.write(`${json ? line : harmless(line, style.colours)}\n`);
  const tell = (line: string) => void process.stderr.write(`${harmless(line, style.colours)}\n`);
  const directory = process.cwd();
  return {
    api: eveClient({ url: server.url, token: server.token, fetch }),
    server,
    config,
    json,
    organisation: org,
    projectFlag: project,
    profile,
    apiUrl,
    directory,
    style,
    input: process.stdin,
    async project(from = directory) {
      const chosen = project ?? config.project ?? (await projectOfDirectory(from, server.url))?.project;
      if (chosen === undefined) throw projectUnknown();
      return chosen;
    },
    answer: (body, human) => (json ? print(JSON.stringify(body)) : human().forEach(print)),
    print,
    say: (line) => (json ? undefined : tell(line)),
    warn: (line) => tell(json ? JSON.stringify({ warning: line }) : line),
    following,
  };
}

/** What others wrote, such as why they have locked an environment, tells a terminal nothing but text. */
function harmless(text: string, colours = false): string {
  const lines = text.split('\n').map((line) => printable(line, colours));
  return lines.join('\n');
}

/** Ctrl-C aborts once; a second one ends the process at once. */
async function following<Result>(act: (signal: AbortSignal) => Promise<Result>): Promise<Result> {
  const interrupted = new AbortController();
  const onInterrupt = () => interrupted.abort(new Error('Interrupted.'));
  process.once('SIGINT', onInterrupt);
  try {
    return await act(interrupted.signal);
  } finally {
    process.off('SIGINT', onInterrupt);
  }
}

/** fetch that remembers which call did not succeed. */
function noting(seen: { call?: FailedCall }): typeof globalThis.fetch {
  return async (input, init) => {
    const call = { method: init?.method ?? 'GET', path: new URL(String(input)).pathname };
    try {
      const response = await globalThis.fetch(input, init);
      if (!response.ok) seen.call = call;
      return response;
    } catch (error) {
      seen.call = call;
      throw error;
    }
  };
}

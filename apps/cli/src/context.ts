import type { EveClient } from '@eve/protocol-rest/client';
import type { CliConfig } from './config.ts';
import type { Server } from './server.ts';

/** What a command works with. Data goes to stdout, everything else to stderr. */
export interface Context {
  readonly api: EveClient;
  readonly server: Server;
  readonly config: CliConfig;
  readonly json: boolean;
  /** As given with --org. */
  readonly organisation: string | undefined;
  /** As given with --project. */
  readonly projectFlag: string | undefined;
  readonly profile: string | undefined;
  readonly apiUrl: string | undefined;
  readonly directory: string;
  readonly style: Style;
  /** Id or slug of the project: given, configured, or found in the directory. Throws a UsageError that says how to name it. */
  project(directory?: string): Promise<string>;
  /** The body as JSON, or what `human` prints. */
  answer(body: unknown, human: () => readonly string[]): void;
  /** A line of data. */
  print(line: string): void;
  /** Progress; silent with --json. */
  say(line: string): void;
  /** Something a person must not miss, also with --json. */
  warn(line: string): void;
  /** Does what may last long; Ctrl-C aborts the signal instead of ending the process. */
  following<Result>(act: (signal: AbortSignal) => Promise<Result>): Promise<Result>;
  readonly input: NodeJS.ReadStream;
}

export interface Style {
  readonly colours: boolean;
  bold(text: string): string;
  red(text: string): string;
  green(text: string): string;
  yellow(text: string): string;
  dim(text: string): string;
}

export function styleOf(colours: boolean): Style {
  const paint = (code: number) => (text: string) => (colours ? `\u001b[${code}m${text}\u001b[0m` : text);
  return { colours, bold: paint(1), red: paint(31), green: paint(32), yellow: paint(33), dim: paint(2) };
}

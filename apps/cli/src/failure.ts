/** What the exit code of a command says. */
export const exitCodes = {
  done: 0,
  failed: 1,
  usage: 2,
  notFound: 3,
  conflict: 4,
  waiting: 5,
  tryAgain: 75,
  interrupted: 130,
} as const;

/** The command cannot go on: a sentence for a person, a stable code for a script. */
export class CommandFailed extends Error {
  override readonly name: string = 'CommandFailed';
  readonly code: string;
  readonly exitCode: number;
  /** What to do about it, a line each. */
  readonly advice: readonly string[];

  constructor(
    message: string,
    { code, exitCode = exitCodes.failed, advice = [] }: { code: string; exitCode?: number; advice?: readonly string[] },
    options?: ErrorOptions,
  ) {
    super(message, options);
    this.code = code;
    this.exitCode = exitCode;
    this.advice = advice;
  }
}

/** The command line itself is wrong. */
export class UsageError extends CommandFailed {
  override readonly name: string = 'UsageError';

  constructor(message: string, advice: readonly string[] = []) {
    super(message, { code: 'usage', exitCode: exitCodes.usage, advice });
  }
}

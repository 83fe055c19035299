import type { Context } from './context.ts';

type Kind = 'flag' | 'text' | 'number' | 'list' | 'each' | 'switch';

/** One option of a command; its name is the key it stands under, `repoDir` for `--repo-dir`. */
export interface Option<K extends Kind = Kind> {
  readonly kind: K;
  readonly about: string;
  /** How its value is called in the help, such as `<path>`. */
  readonly value?: string;
  readonly short?: string;
}

export const flag = (about: string, short?: string): Option<'flag'> => ({
  kind: 'flag',
  about,
  ...(short && { short }),
});
export const text = (value: string, about: string): Option<'text'> => ({ kind: 'text', value, about });
export const number = (value: string, about: string): Option<'number'> => ({ kind: 'number', value, about });
/** Separated by commas, or given several times. */
export const list = (value: string, about: string): Option<'list'> => ({ kind: 'list', value, about });
/** Given once for each value, which may hold commas. */
export const each = (value: string, about: string): Option<'each'> => ({ kind: 'each', value, about });
/** On unless `--name false`. */
export const switchedOn = (about: string): Option<'switch'> => ({ kind: 'switch', about });

interface Values {
  flag: boolean;
  text: string | undefined;
  number: number | undefined;
  list: string[] | undefined;
  each: string[] | undefined;
  switch: boolean;
}

type OptionValues<Options> = { [Name in keyof Options]: Options[Name] extends Option<infer K> ? Values[K] : never };

type ArgumentValue<Form extends string> = Form extends `${string}...${string}`
  ? string[]
  : Form extends `<${string}`
    ? string
    : string | undefined;
type ArgumentValues<Forms extends readonly string[]> = { [Index in keyof Forms]: ArgumentValue<Forms[Index]> };

/** The exit code; none is 0. */
// biome-ignore lint/suspicious/noConfusingVoidType: a command without a return statement is done
export type Outcome = number | undefined | void;

/** A command as the program registers it. */
export interface Command {
  /** As it is typed: `build logs`. */
  readonly name: string;
  readonly summary: string;
  readonly arguments: readonly string[];
  readonly options: Readonly<Record<string, Option>>;
  /** Lines for the end of its help. */
  readonly examples: readonly string[];
  /** It works without a server: it never asks one, or only where one is known. */
  readonly offline: boolean | 'if unknown';
  /** What follows is handed on as it is. */
  readonly passThrough: boolean;
  run(context: Context, options: Readonly<Record<string, unknown>>, args: readonly unknown[]): Promise<Outcome>;
}

/** Defines a command; options and arguments get their types from how they are declared. */
export function command<const Forms extends readonly string[], const Options extends Record<string, Option>>(given: {
  readonly name: string;
  readonly summary: string;
  readonly arguments?: Forms;
  readonly options?: Options;
  readonly examples?: readonly string[];
  readonly offline?: boolean | 'if unknown';
  readonly passThrough?: boolean;
  run(context: Context, options: OptionValues<Options>, args: ArgumentValues<Forms>): Promise<Outcome>;
}): Command {
  return {
    name: given.name,
    summary: given.summary,
    arguments: given.arguments ?? [],
    options: given.options ?? {},
    examples: given.examples ?? [],
    offline: given.offline ?? false,
    passThrough: given.passThrough ?? false,
    // The program parses by the same declarations that these types are made of.
    run: (context, options, args) =>
      given.run(context, options as OptionValues<Options>, args as unknown as ArgumentValues<Forms>),
  };
}

import { type Field, fail, isList, textOf, textsOf } from './field.ts';
import { splitCommand } from './units.ts';

/** A command from a list, or from text that is split as a shell would; null when there is none. */
export function readCommand(field: Field | undefined): string[] | null {
  if (!field) return null;
  if (isList(field)) return commandWords(field);
  const text = commandText(field, 'a list, or text');
  if (text === null) return null;
  return (
    splitCommand(text) ??
    fail(field, 'A quote or backslash at the end of this command stays open; close it, or write the command as a list.')
  );
}

/** Text of a command, also of one for a shell. As in Compose two dollar signs stand for one; Eve fills nothing in. */
export function commandText(field: Field, what: string): string | null {
  const text = textOf(field, what);
  return text === null ? null : withoutDoubled(text);
}

/** The words of a command that is a list, each as commandText reads it. */
export function commandWords(field: Field): string[] {
  return textsOf(field).map(withoutDoubled);
}

function withoutDoubled(text: string): string {
  return text.replaceAll('$$', () => '$');
}

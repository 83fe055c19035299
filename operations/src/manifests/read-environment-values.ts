import { entriesOf, type Field, fail, isEmpty, isList, itemsOf, textOf, warn } from './field.ts';

const filledIn = /^(secret\.[A-Za-z_][A-Za-z0-9_]*|ENV_NAME|PROJECT_ID|ORG_ID|ORG_SLUG|COMPONENT_NAME|PORT)$/;

/** Names and values from a map, or from a list of `NAME=value`. */
export function readValues(field: Field | undefined): Record<string, string> {
  if (!field) return {};
  const values = isList(field) ? listedValues(field) : mappedValues(field);
  for (const [, [value, at]] of values) warnOfUnknownVariables(value, at);
  return Object.fromEntries([...values].map(([name, [value]]) => [name, value]));
}

function mappedValues(field: Field): Map<string, [string, Field]> {
  const values = new Map<string, [string, Field]>();
  for (const [name, below] of entriesOf(field, 'a map of names to values, or a list of NAME=value') ?? []) {
    if (!isVariableName(name, below)) continue;
    if (isEmpty(below)) warnOfNoValue(name, below);
    else {
      const value = textOf(below, 'one value: text, a number, or true or false');
      if (value !== null) values.set(name, [value, below]);
    }
  }
  return values;
}

function listedValues(field: Field): Map<string, [string, Field]> {
  const values = new Map<string, [string, Field]>();
  for (const item of itemsOf(field) ?? []) {
    const text = textOf(item, 'NAME=value');
    if (text === null) continue;
    const split = text.indexOf('=');
    const name = split < 0 ? text : text.slice(0, split);
    if (!isVariableName(name, item)) continue;
    if (split < 0) warnOfNoValue(name, item);
    else values.set(name, [text.slice(split + 1), item]);
  }
  return values;
}

function isVariableName(name: string, field: Field): boolean {
  if (/^[A-Za-z_][A-Za-z0-9_.-]*$/.test(name)) return true;
  fail(field, `\`${name}\` is no name of a variable: use letters, digits and underscores, a letter first.`);
  return false;
}

function warnOfNoValue(name: string, field: Field): void {
  warn(
    field,
    `\`${name}\` has no value and is left out: variables of a machine are not read. Write a value, or "" for an empty one.`,
  );
}

function warnOfUnknownVariables(value: string, field: Field): void {
  for (const [whole, name = ''] of value.matchAll(/(?<!\$)\$\{([^}]*)\}/g)) {
    if (filledIn.test(name)) continue;
    warn(
      field,
      `\`${whole}\` is nothing that Eve fills in, so the service gets it as written. For a secret write \`\${secret.NAME}\`.`,
    );
  }
}

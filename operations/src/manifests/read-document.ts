import type { ErrorDetail } from '@eve/domain';
import { type Document, isScalar, LineCounter, parseDocument, type Scalar, visit } from 'yaml';
import type { Reading } from './field.ts';

const deepest = 200;
const mostItems = 10_000;
const tooMuch = `The manifest has more than ${mostItems} lines or list items; make it smaller.`;
const tooDeep = 'The manifest is nested too deeply; make it flatter.';

/** Parses the text as one YAML document, in time that grows with its length only; what is wrong stands in the reading's errors. */
export function readDocument(yaml: string): Reading {
  const lines = new LineCounter();
  const errors: ErrorDetail[] = [];
  const warnings: ErrorDetail[] = [];
  const place = (offset: number) => {
    const { line, col } = lines.linePos(offset);
    return { path: '', line: Math.max(line, 1), column: Math.max(col, 1) };
  };
  const reading = (document: Document): Reading => {
    return {
      document,
      lines,
      errors,
      warnings,
      incoherences: [],
      visitsLeft: 100_000,
      aliasesLeft: 500,
      mergeDepth: 0,
    };
  };
  const refusal = isTooDeep(yaml) ? tooDeep : isTooMuch(yaml) ? tooMuch : null;
  if (refusal) {
    errors.push({ path: '', line: 1, column: 1, message: refusal });
    return reading(parseDocument(''));
  }
  // The library compares every key with every other one of its mapping; ours are looked up.
  const document = parseDocument(yaml, {
    lineCounter: lines,
    prettyErrors: false,
    uniqueKeys: false,
    logLevel: 'error',
  });
  for (const { code, message, pos } of document.errors) {
    errors.push({ ...place(pos[0]), message: yamlSentence(code, message) });
  }
  for (const { message, pos } of document.warnings) warnings.push({ ...place(pos[0]), message: `YAML: ${message}.` });
  for (const key of repeatedKeys(document)) {
    const message = `The key \`${key.value}\` stands here twice; keep one of the two.`;
    errors.push({ ...place(key.range?.[0] ?? 0), message });
  }
  return reading(document);
}

/** Counts what nests: open brackets, and dashes or question marks in a row. The parser descends for each. */
function isTooDeep(yaml: string): boolean {
  let open = 0;
  for (const character of yaml) {
    if (character === '[' || character === '{') open += 1;
    else if ((character === ']' || character === '}') && open > 0) open -= 1;
    if (open > deepest) return true;
  }
  return yaml.length > 2 * deepest && new RegExp(`^[ \\t]*(?:[-?:][ \\t]+){${deepest}}`, 'm').test(yaml);
}

/** The parser takes a tenth of a millisecond for each line or item, and nobody else is served meanwhile. */
function isTooMuch(yaml: string): boolean {
  let items = 0;
  for (const character of yaml) if (character === '\n' || character === ',') items += 1;
  return items > mostItems;
}

function repeatedKeys(document: Document): Scalar[] {
  const repeated: Scalar[] = [];
  visit(document, {
    Map(_, { items }) {
      const seen = new Set<unknown>();
      for (const { key } of items) {
        if (!isScalar(key)) continue;
        if (seen.has(key.value) && key.value !== '<<') repeated.push(key);
        seen.add(key.value);
      }
    },
  });
  return repeated;
}

function yamlSentence(code: string, message: string): string {
  if (code === 'TAB_AS_INDENT') return 'A tab indents this line; YAML is indented with spaces.';
  if (code === 'MULTIPLE_DOCS') return 'A second document begins here (`---`); a manifest is one document.';
  if (/stack/i.test(message)) return tooDeep;
  return `This is not valid YAML: ${message.replace(/\.$/, '')}. Check indentation, colons and quotes here and on the line above.`;
}

/** A stage of a Dockerfile. */
export interface DockerfileStage {
  /** As `AS` gives it, in lower case; null for one without a name. */
  readonly name: string | null;
  /** The lines of its FROM, from 0, the last not included. */
  readonly from: number;
  readonly to: number;
  /** The FROM as one line. */
  readonly instruction: string;
}

interface Instruction {
  readonly text: string;
  readonly from: number;
  readonly to: number;
}

const directive = /^#\s*([A-Za-z][A-Za-z0-9]*)\s*=(.+)$/;
const hereDocument = /(?:^|\s)\d*<<(-?)(?:(["'])([^\s"'<]+)\2|([^\s"'<]+))/g;

/** The stages of a Dockerfile in order: continued lines, comments among them, here-documents and parser directives are understood. */
export function dockerfileStages(text: string): DockerfileStage[] {
  return instructionsOf(text).flatMap(({ text: instruction, from, to }) => {
    const [keyword = '', ...words] = instruction.trim().split(/\s+/);
    if (keyword.toUpperCase() !== 'FROM') return [];
    const rest = words.filter((word) => !word.startsWith('--'));
    const name = rest[1]?.toLowerCase() === 'as' ? (rest[2]?.toLowerCase() ?? null) : null;
    return [{ name, from, to, instruction: instruction.trim() }];
  });
}

/** The sign that continues a line: a backslash, unless a directive at the top of the file names another. */
export function escapeOf(text: string): string {
  for (const line of linesOf(text)) {
    const [, name = '', given = ''] = directive.exec(line) ?? [];
    const value = given.trim();
    if (!name || !value) break;
    if (name.toLowerCase() === 'escape' && (value === '`' || value === '\\')) return value;
  }
  return '\\';
}

/** Lines without what ends them. */
export function linesOf(text: string): string[] {
  return text.replace(/^\uFEFF/, '').split(/\r?\n/);
}

function instructionsOf(text: string): Instruction[] {
  const continues = escapeOf(text);
  const lines = linesOf(text);
  const found: Instruction[] = [];
  for (let at = 0; at < lines.length; ) {
    const from = at;
    const joined: string[] = [];
    for (let goesOn = true; goesOn && at < lines.length; at++) {
      const line = lines[at] as string;
      const between = joined.length > 0 || at > from;
      if (/^\s*#/.test(line)) {
        goesOn = between;
        continue;
      }
      const bare = line.trimEnd();
      if (bare === '' && between) continue;
      goesOn = bare.endsWith(continues);
      joined.push(goesOn ? bare.slice(0, -1) : bare);
    }
    const instruction = joined.join('');
    if (/^\s*(?:RUN|COPY|ADD)\s/i.test(instruction)) {
      for (const [, dash, , quoted, plain] of instruction.matchAll(hereDocument)) {
        const end = quoted ?? plain ?? '';
        while (at < lines.length && (dash ? lines[at]?.replace(/^\t+/, '') : lines[at]) !== end) at++;
        at++;
      }
    }
    if (instruction.trim() !== '') found.push({ text: instruction, from, to: at });
  }
  return found;
}

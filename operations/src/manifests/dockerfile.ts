/** What a Dockerfile says about its last stage: the ports it exposes, and whether it brings a check. */
export function readDockerfile(text: string): { ports: number[]; hasHealthcheck: boolean } {
  const ports: number[] = [];
  let hasHealthcheck = false;
  const values = new Map<string, string>();
  for (const line of instructionsOf(text)) {
    const [, name = '', rest = ''] = /^\s*([A-Za-z]+)\s+(.*)$/s.exec(line) ?? [];
    const instruction = name.toUpperCase();
    if (instruction === 'FROM') {
      ports.length = 0;
      hasHealthcheck = false;
    } else if (instruction === 'ARG' || instruction === 'ENV') {
      for (const [, key, value] of rest.matchAll(/([A-Za-z_]\w*)[= ]"?([^\s"]*)"?/g))
        values.set(key ?? '', value ?? '');
    } else if (instruction === 'EXPOSE') ports.push(...exposedPorts(rest, values));
    else if (instruction === 'HEALTHCHECK') hasHealthcheck = !/^\s*NONE\b/i.test(rest);
  }
  return { ports: [...new Set(ports)], hasHealthcheck };
}

/** Lines joined where a backslash continues them, without comments. */
function instructionsOf(text: string): string[] {
  const lines = text.split(/\r?\n/).filter((line) => !/^\s*#/.test(line));
  return lines
    .join('\n')
    .replace(/\\[ \t]*\n/g, ' ')
    .split('\n');
}

function exposedPorts(text: string, values: ReadonlyMap<string, string>): number[] {
  return text
    .split(/\s+/)
    .map((word) =>
      word.replace(/\$\{?([A-Za-z_]\w*)(?::-([^}]*))?\}?/g, (_, key, otherwise) => values.get(key) ?? otherwise ?? ''),
    )
    .filter((word) => !word.endsWith('/udp'))
    .map((word) => Number.parseInt(word, 10))
    .filter((port) => port >= 1 && port <= 65535);
}

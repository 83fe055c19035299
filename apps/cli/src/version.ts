import { readFileSync } from 'node:fs';

/** The version of this command line. */
export function versionOfCli(): string {
  const text = readFileSync(new URL('../package.json', import.meta.url), 'utf8');
  // Our own file.
  return (JSON.parse(text) as { version: string }).version;
}

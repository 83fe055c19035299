import { PlatformError } from '@eve/domain';
import { runProgram } from './run-program.ts';

/** Where this machine gets Debian's packages from. */
export interface DebianMirrors {
  /** With `dists/` and `pool/` below it, without a final slash. */
  readonly main: string;
  readonly security: string;
}

/** Reads the machine's mirrors from apt's own list of what it downloads, so that a local mirror or cache is used too. */
export async function debianMirrors(signal?: AbortSignal): Promise<DebianMirrors> {
  return mirrorsFrom(await runProgram('apt-get', ['indextargets', '--format', '$(REPO_URI) $(CODENAME)'], { signal }));
}

/**
 * The mirrors named by lines of `<repository address> <codename>`; security updates beside the rest where none is named for them.
 * Throws `engine_unavailable` when apt has no Debian repository.
 */
export function mirrorsFrom(lines: string): DebianMirrors {
  const repositories = lines
    .split('\n')
    .map((line) => line.trim().split(' '))
    .flatMap(([uri, codename]) => (uri && codename ? [{ uri: uri.replace(/\/+$/, ''), codename }] : []))
    .filter(({ uri, codename }) => /^https?:\/\//.test(uri) && /\/debian(-security)?$/.test(uri) && codename !== '');
  const security = repositories.find(({ codename, uri }) => isSecurity(codename) || uri.endsWith('-security'));
  const main = repositories.find(({ codename, uri }) => !isSecurity(codename) && !uri.endsWith('-security'));
  if (!main) {
    throw new PlatformError(
      'engine_unavailable',
      'apt knows no Debian repository on this machine: name one in /etc/apt/sources.list, then start again.',
    );
  }
  return { main: main.uri, security: security?.uri ?? `${main.uri}-security` };
}

function isSecurity(codename: string): boolean {
  return codename.endsWith('-security');
}

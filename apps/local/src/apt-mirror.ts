import { runProgram } from './run-program.ts';

/** Where this machine gets Debian's packages from. */
export interface DebianMirrors {
  /** With `dists/` and `pool/` below it, without a final slash. */
  readonly main: string;
  readonly security: string;
}

const publicMirrors: DebianMirrors = {
  main: 'http://mirror.example/debian',
  security: 'http://mirror.example/debian-security',
};

/** Reads the machine's mirrors from apt's own list of what it downloads, so that a local mirror or cache is used too. */
export async function debianMirrors(signal?: AbortSignal): Promise<DebianMirrors> {
  return mirrorsFrom(await runProgram('apt-get', ['indextargets', '--format', '$(REPO_URI) $(CODENAME)'], { signal }));
}

/** The mirrors named by lines of `<repository address> <codename>`; Debian's own where there is none. */
export function mirrorsFrom(lines: string): DebianMirrors {
  const repositories = lines
    .split('\n')
    .map((line) => line.trim().split(' '))
    .flatMap(([uri, codename]) => (uri && codename ? [{ uri: uri.replace(/\/+$/, ''), codename }] : []))
    .filter(({ uri, codename }) => /^https?:\/\//.test(uri) && /\/debian(-security)?$/.test(uri) && codename !== '');
  const security = repositories.find(({ codename, uri }) => isSecurity(codename) || uri.endsWith('-security'));
  const main = repositories.find(({ codename, uri }) => !isSecurity(codename) && !uri.endsWith('-security'));
  return { main: main?.uri ?? publicMirrors.main, security: security?.uri ?? publicMirrors.security };
}

function isSecurity(codename: string): boolean {
  return codename.endsWith('-security');
}

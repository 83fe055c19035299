import { X509Certificate } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';

const added = '/usr/local/share/ca-certificates';
const shipped = '/usr/share/ca-certificates';

/** A certificate authority of this machine that no Debian image knows, ready for `update-ca-certificates`. */
export interface ExtraCertificate {
  readonly fileName: string;
  readonly pem: string;
}

/** What the machine trusts beyond Debian's own list: what its administrator added, and what `bundles` hold. */
export async function extraCertificates(bundles: readonly string[]): Promise<ExtraCertificate[]> {
  const files = [...(await certificateFiles(added)), ...bundles];
  const texts = await Promise.all(files.map((file) => readFile(file, 'utf8').catch(() => '')));
  const standard = await Promise.all((await certificateFiles(shipped)).map((file) => readFile(file, 'utf8')));
  return certificatesBeyond(texts, standard);
}

/** The certificates of some texts, each once, without those of other texts. */
export function certificatesBeyond(texts: readonly string[], known: readonly string[]): ExtraCertificate[] {
  const seen = new Set(known.flatMap(certificatesIn).map(({ fingerprint }) => fingerprint));
  const extra: ExtraCertificate[] = [];
  for (const { fingerprint, pem } of texts.flatMap(certificatesIn)) {
    if (seen.has(fingerprint)) continue;
    seen.add(fingerprint);
    extra.push({ fileName: `machine-${fingerprint.replaceAll(':', '').slice(0, 16).toLowerCase()}.crt`, pem });
  }
  return extra;
}

function certificatesIn(text: string): { fingerprint: string; pem: string }[] {
  const blocks = text.match(/-----BEGIN CERTIFICATE-----[\s\S]+?-----END CERTIFICATE-----/g) ?? [];
  return blocks.flatMap((pem) => {
    try {
      return [{ fingerprint: new X509Certificate(pem).fingerprint256, pem: `${pem}\n` }];
    } catch {
      return [];
    }
  });
}

async function certificateFiles(directory: string): Promise<string[]> {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true }).catch(() => []);
  return entries
    .filter((it) => !it.isDirectory() && it.name.endsWith('.crt'))
    .map((it) => join(it.parentPath, it.name));
}

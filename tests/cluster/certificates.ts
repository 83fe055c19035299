import { access, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { runProgram } from '@eve/adapter-process';

const curve = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-noenc'];

/** Makes an authority in a directory and a certificate for each name, unless they are there. */
export async function ensureCertificates(
  directory: string,
  wanted: Readonly<Record<string, { readonly subject: string; readonly names: string }>>,
  signal: AbortSignal,
): Promise<void> {
  await mkdir(directory, { recursive: true, mode: 0o700 });
  const openssl = (...args: string[]) => runProgram({ file: 'openssl', args, cwd: directory, signal });
  if (!(await isThere(join(directory, 'ca.crt')))) {
    const files = ['-keyout', 'ca.key', '-out', 'ca.crt'];
    await openssl('req', '-x509', ...curve, '-days', '30', '-subj', '/CN=eve test cluster', ...files);
    await openssl('genrsa', '-out', 'service-accounts.key', '2048');
  }
  await Promise.all(
    Object.entries(wanted).map(async ([name, { subject, names }]) => {
      if (await isThere(join(directory, `${name}.crt`))) return;
      await openssl('req', '-new', ...curve, '-subj', subject, '-keyout', `${name}.key`, '-out', `${name}.csr`);
      const extensions = `subjectAltName=${names}\nextendedKeyUsage=serverAuth,clientAuth\n`;
      await writeFile(join(directory, `${name}.extensions`), extensions);
      await openssl(
        ...['x509', '-req', '-in', `${name}.csr`, '-out', `${name}.crt`, '-extfile', `${name}.extensions`],
        ...['-CA', 'ca.crt', '-CAkey', 'ca.key', '-days', '30'],
      );
    }),
  );
}

function isThere(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}

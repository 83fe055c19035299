import { execFile } from 'node:child_process';
import { createHash, createPrivateKey, createPublicKey, type KeyObject, X509Certificate } from 'node:crypto';
import { chmod, mkdir, mkdtemp, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { PlatformError } from '@eve/domain';

const runFile = promisify(execFile);

/** What signs registry tokens, and what the registry knows it by. */
export interface SigningKey {
  readonly privateKey: KeyObject;
  /** RFC 7638 thumbprint of the public key. */
  readonly kid: string;
  /** The certificate in base64 DER, as `x5c` carries it. */
  readonly certificate: string;
}

/** The registry trusts tokens that this certificate's key signed. */
export function certificateFile(dataDir: string): string {
  return join(dataDir, 'registry-keys', 'token.crt');
}

/** Reads the signing key and its certificate of a data directory; makes them once. */
export async function openSigningKey(dataDir: string): Promise<SigningKey> {
  const directory = join(dataDir, 'registry-keys');
  return signingKeyOf(directory, (await readKey(directory)) ?? (await makeKey(dataDir, directory)));
}

/** Reads the signing key `token.key` and its certificate `token.crt` that an operator put into a directory. */
export async function readSigningKey(directory: string): Promise<SigningKey> {
  const keyText = await readKey(directory);
  if (keyText !== null) return signingKeyOf(directory, keyText);
  throw new PlatformError('registry_unavailable', `${directory} has no token.key, the key that signs registry tokens.`);
}

async function signingKeyOf(directory: string, keyText: string): Promise<SigningKey> {
  const { privateKey, certificate } = await readPair(directory, keyText);
  if (!certificate.checkPrivateKey(privateKey)) {
    throw new PlatformError(
      'registry_unavailable',
      `The key and the certificate in ${directory} do not belong together.`,
    );
  }
  return { privateKey, kid: thumbprint(privateKey), certificate: certificate.raw.toString('base64') };
}

async function readPair(directory: string, keyText: string) {
  try {
    const privateKey = createPrivateKey(keyText);
    if (privateKey.asymmetricKeyType !== 'rsa') throw new Error('the key is not RSA');
    return { privateKey, certificate: new X509Certificate(await readFile(join(directory, 'token.crt'))) };
  } catch (error) {
    throw new PlatformError(
      'registry_unavailable',
      `${directory} must hold an RSA key in token.key and its certificate in token.crt, both as PEM.`,
      { cause: error },
    );
  }
}

/** The RFC 7638 thumbprint of an RSA key. */
export function thumbprint(key: KeyObject): string {
  const { e, kty, n } = (key.type === 'private' ? createPublicKey(key) : key).export({ format: 'jwk' });
  return createHash('sha256').update(JSON.stringify({ e, kty, n })).digest('base64url');
}

async function readKey(directory: string): Promise<string | null> {
  return readFile(join(directory, 'token.key'), 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return null;
    throw error;
  });
}

/** Both files come into place together, so that no key is ever without its certificate. */
async function makeKey(dataDir: string, directory: string): Promise<string> {
  await mkdir(dataDir, { recursive: true, mode: 0o700 });
  const draft = await mkdtemp(join(dataDir, '.registry-keys-'));
  try {
    const [key, certificate] = [join(draft, 'token.key'), join(draft, 'token.crt')];
    const certificateOf = ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-sha256', '-days', '7300'];
    await runFile('openssl', [...certificateOf, '-subj', '/CN=eve-api', '-keyout', key, '-out', certificate]);
    await chmod(key, 0o600);
    await rename(draft, directory);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    // Another process was faster: its key is the one.
    if (code !== 'ENOTEMPTY' && code !== 'EEXIST') {
      const reason = code === 'ENOENT' ? 'the program openssl is not installed' : 'openssl failed';
      throw new PlatformError('registry_unavailable', `The registry's signing key could not be made: ${reason}.`, {
        cause: error,
      });
    }
  } finally {
    await rm(draft, { recursive: true, force: true });
  }
  return readFile(join(directory, 'token.key'), 'utf8');
}

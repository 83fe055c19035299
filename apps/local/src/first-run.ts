import { authenticate, type Platform } from '@eve/operations';
import { firstToken } from '@eve/server';
import { type Credentials, readCredentials, writeCredentials } from './credentials.ts';

const slug = 'local';

/**
 * Sees to it that the installation has its organisation and that `credentials.json` opens it. The first organisation is
 * `dedicated`, bounded by the machine. Answers with the credentials and whether they were made just now.
 */
export async function ensureCredentials(
  platform: Platform,
  { dataDir, url }: { dataDir: string; url: string },
): Promise<{ credentials: Credentials; fresh: boolean }> {
  const known = await readCredentials(dataDir);
  if (known && (await isAccepted(platform, known.token))) {
    const credentials = { url, token: known.token };
    if (known.url !== url) await writeCredentials(dataDir, credentials);
    return { credentials, fresh: false };
  }
  const text = await firstToken(platform, { slug, name: 'Local', tier: 'dedicated' });
  const credentials = { url, token: text };
  await writeCredentials(dataDir, credentials);
  return { credentials, fresh: true };
}

async function isAccepted(platform: Platform, token: string): Promise<boolean> {
  return authenticate(platform, token).then(
    () => true,
    () => false,
  );
}

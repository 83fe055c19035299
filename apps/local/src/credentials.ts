import { readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';

const schema = z.object({ url: z.url(), token: z.string().min(1) });

/** How the command line finds a local Eve: `credentials.json` in the data directory, readable by its owner alone. */
export type Credentials = z.infer<typeof schema>;

export async function readCredentials(dataDir: string): Promise<Credentials | null> {
  const text = await readFile(join(dataDir, 'credentials.json'), 'utf8').catch(() => null);
  const parsed = text === null ? null : schema.safeParse(JSON.parse(text));
  return parsed?.success ? parsed.data : null;
}

/** Written whole or not at all. */
export async function writeCredentials(dataDir: string, credentials: Credentials): Promise<void> {
  const file = join(dataDir, 'credentials.json');
  await writeFile(`${file}.new`, `${JSON.stringify(credentials)}\n`, { mode: 0o600 });
  await rename(`${file}.new`, file);
}

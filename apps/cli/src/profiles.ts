import { chmod, mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { CommandFailed } from './failure.ts';

const profile = z.object({ url: z.url(), token: z.string().min(1) });
const schema = z.object({ current: z.string().nullable(), profiles: z.record(z.string(), profile) });

/** A server and the token for it. */
export type Profile = z.infer<typeof profile>;
/** The servers that were logged in to; `current` is used when none is named. */
export type Profiles = z.infer<typeof schema>;

export async function readProfiles(configDir: string): Promise<Profiles> {
  const file = join(configDir, 'profiles.json');
  return (await readJson(file, schema)) ?? { current: null, profiles: {} };
}

/** Written whole, readable by its owner alone. */
export async function writeProfiles(configDir: string, profiles: Profiles): Promise<void> {
  const file = join(configDir, 'profiles.json');
  await mkdir(configDir, { recursive: true, mode: 0o700 });
  await writeFile(`${file}.new`, `${JSON.stringify(profiles, null, 2)}\n`, { mode: 0o600 });
  await chmod(`${file}.new`, 0o600);
  await rename(`${file}.new`, file);
}

/** What a local Eve left for the command line; null when none was started yet. */
export function readCredentials(dataDir: string): Promise<Profile | null> {
  return readJson(join(dataDir, 'credentials.json'), profile);
}

async function readJson<Value>(file: string, shape: z.ZodType<Value>): Promise<Value | null> {
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return null;
    throw new CommandFailed(`Cannot read ${file}: ${error instanceof Error ? error.message : error}.`, {
      code: 'file_unreadable',
    });
  }
  const parsed = shape.safeParse(asJson(text));
  if (parsed.success) return parsed.data;
  throw new CommandFailed(`${file} is damaged.`, { code: 'file_damaged', advice: ['Delete it and log in again.'] });
}

function asJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

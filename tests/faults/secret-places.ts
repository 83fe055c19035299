import { readdir, readFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { gunzipSync, zstdDecompressSync } from 'node:zlib';
import type { DockerEngine } from '@eve/adapter-docker';
import pg from 'pg';
import { z } from 'zod';
import type { Search } from './canaries.ts';

/** Looks through all files below a directory, also into compressed ones; `except` says which canaries may be where, by path. */
export async function leaksInFiles(
  directory: string,
  search: Search,
  except: Readonly<Record<string, readonly string[]>> = {},
): Promise<{ leaks: string[]; files: number }> {
  const leaks: string[] = [];
  let files = 0;
  for (const entry of await readdir(directory, { withFileTypes: true, recursive: true })) {
    if (!entry.isFile()) continue;
    const path = join(entry.parentPath, entry.name);
    // What has gone since it was listed, such as a socket's or a cluster's temporary file, holds nothing.
    const bytes = await readFile(path).catch(() => null);
    if (!bytes) continue;
    files += 1;
    const name = relative(directory, path);
    const allowed = Object.entries(except).flatMap(([place, names]) => (isIn(name, place) ? names : []));
    for (const canary of searchDeep(bytes, search))
      if (!allowed.includes(canary)) leaks.push(`file ${name}: ${canary}`);
  }
  return { leaks, files };
}

/** Looks through every column of every table, row by row. */
export async function leaksInDatabase(url: string, search: Search): Promise<{ leaks: string[]; rows: number }> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    const tables = await client.query<{ name: string }>(
      "select quote_ident(schemaname) || '.' || quote_ident(tablename) as name from pg_tables where schemaname not in ('pg_catalog', 'information_schema')",
    );
    const leaks = new Set<string>();
    let rows = 0;
    for (const { name } of tables.rows) {
      const found = await client.query<Record<string, unknown>>(`select * from ${name}`);
      for (const row of found.rows) {
        rows += 1;
        for (const [column, value] of Object.entries(row)) {
          const bytes = Buffer.isBuffer(value) ? value : Buffer.from(textOf(value));
          for (const canary of searchDeep(bytes, search)) leaks.add(`table ${name}.${column}: ${canary}`);
        }
      }
    }
    return { leaks: [...leaks], rows };
  } finally {
    await client.end();
  }
}

const Images = z.array(
  z.object({ Id: z.string(), RepoTags: z.array(z.string()).nullable(), RepoDigests: z.array(z.string()).nullable() }),
);
const Containers = z.array(z.object({ Id: z.string() }));
const Inspected = z.looseObject({ Config: z.looseObject({ Env: z.array(z.string()).nullable() }) });

/** What the engine tells of an installation's containers, without their variables, and of images of these registries. */
export async function leaksInEngine(
  docker: DockerEngine,
  { installation, hosts }: { installation: string; hosts: readonly string[] },
  search: Search,
): Promise<{ leaks: string[]; images: number; containers: number }> {
  const leaks: string[] = [];
  const look = (place: string, value: unknown) => {
    for (const canary of search(Buffer.from(JSON.stringify(value)))) leaks.push(`${place}: ${canary}`);
  };
  const listed = Images.parse(await docker.call('GET', '/images/json'));
  const images = listed.filter((image) =>
    [...(image.RepoTags ?? []), ...(image.RepoDigests ?? [])].some((name) =>
      hosts.some((host) => name.startsWith(host)),
    ),
  );
  for (const { Id } of images) {
    look('docker image inspect', await docker.call('GET', `/images/${Id}/json`));
    look('docker history', await docker.call('GET', `/images/${Id}/history`));
  }
  const filters = JSON.stringify({ label: [`eve.installation=${installation}`] });
  const containers = Containers.parse(
    await docker.call('GET', '/containers/json', { query: { filters, all: 'true' } }),
  );
  for (const { Id } of containers) {
    const { Config, ...rest } = Inspected.parse(await docker.call('GET', `/containers/${Id}/json`));
    // A service's secrets reach it as variables: there, and nowhere else in the engine.
    const { Env: _, ...config } = Config;
    look('docker inspect', { ...rest, Config: config });
  }
  look('docker volumes', await docker.call('GET', '/volumes'));
  look('docker networks', await docker.call('GET', '/networks'));
  return { leaks, images: images.length, containers: containers.length };
}

/** As it is and, when it is compressed, what it holds. */
function searchDeep(bytes: Buffer, search: Search): string[] {
  return [...new Set([bytes, ...unpacked(bytes)].flatMap(search))];
}

function unpacked(bytes: Buffer): Buffer[] {
  try {
    if (bytes.readUInt16BE(0) === 0x1f8b) return [gunzipSync(bytes)];
    if (bytes.readUInt32LE(0) === 0xfd2fb528) return [zstdDecompressSync(bytes)];
  } catch {
    // Too short, or a file that only begins like one.
  }
  return [];
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : (JSON.stringify(value) ?? '');
}

function isIn(path: string, place: string): boolean {
  return path === place || path.startsWith(`${place}/`);
}

import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { s3Blobs } from '@eve/adapter-blobs';
import { testS3 } from '@eve/adapter-blobs/testing';
import { emptyDatabase } from '@eve/adapter-postgres/testing';
import { runProgram, startProgram } from '@eve/adapter-process';
import { freePort } from '@eve/adapter-process/testing';
import { eveClient } from '@eve/protocol-rest/client';
import { peekInstallation } from '@eve/server';
import { root } from '../../scripts/source-files.ts';

const main = [join(root, 'apps/server/src/main.ts')];
const sha = 'a'.repeat(40);

it('two processes that share a database and a bucket, and no disk, are one installation', {
  timeout: 90_000,
}, async (test) => {
  await using ended = new AsyncDisposableStack();
  const s3 = await testS3();
  if ('missing' in s3) return test.skip(s3.missing);
  ended.use(s3);
  const database = ended.use(await emptyDatabase());
  const scratch = await mkdtemp(join(tmpdir(), 'eve-two-'));
  ended.defer(() => rm(scratch, { recursive: true, force: true }));
  const keys = join(scratch, 'keys');
  await mkdir(keys);
  await writeFile(join(keys, 'registry-logins.key'), randomBytes(32));
  const shared = {
    ...{ PATH: process.env.PATH ?? '', HOME: scratch, DATABASE_URL: database.url },
    ...{ EVE_KEYS_DIR: keys, EVE_MASTER_KEY: randomBytes(32).toString('base64'), EVE_WORKER: 'false' },
    ...{ EVE_BLOBS_S3: `s3://${s3.bucket}/eve`, EVE_BLOBS_S3_ENDPOINT: s3.endpoint, EVE_BLOBS_S3_REGION: s3.region },
    EVE_BLOBS_S3_ACCESS_KEY_ID: s3.credentials.accessKeyId,
    EVE_BLOBS_S3_SECRET_ACCESS_KEY: s3.credentials.secretAccessKey,
  };
  async function serve(name: string): Promise<{ dataDir: string; url: string }> {
    const [dataDir, address] = [join(scratch, name), `127.0.0.1:${await freePort()}`];
    const env = { ...shared, EVE_DATA_DIR: dataDir, EVE_LISTEN: address };
    const program = await startProgram({ file: process.execPath, args: [...main, 'serve'], env, cwd: scratch });
    ended.defer(() => program.stop());
    program.stdin.end();
    program.stderr.resume();
    program.stdout.resume();
    for (let tries = 0; ; tries++) {
      const answer = await fetch(`http://${address}/health/live`).catch(() => null);
      if (answer?.ok) break;
      assert.ok(tries < 300, `${name} does not answer`);
      await sleep(100);
    }
    return { dataDir, url: `http://${address}` };
  }

  const [one, two] = await Promise.all([serve('one'), serve('two')]);
  const { stdout } = await runProgram({ file: process.execPath, args: [...main, 'token'], env: shared, cwd: scratch });
  const token = stdout.trim().split('\n').at(-1) ?? '';
  const [first, second] = [one, two].map(({ url }) => eveClient({ url, token }));
  const project = await first!.createProject({ name: 'shop' });
  const uploaded = await first!.uploadSource(project.id, sha, Buffer.from('PACK'));
  const key = `sources/${project.id}/${sha}.pack`;

  assert.equal(uploaded.size_bytes, 4);
  assert.equal(await s3Blobs({ ...s3, prefix: 'eve' }).has(key), true);
  assert.equal((await second!.getProject(project.id)).slug, 'shop');
  const installations = await Promise.all([one, two].map(({ dataDir }) => peekInstallation(dataDir)));
  assert.match(installations[0]?.id ?? '', /^[a-z0-9]{6}$/);
  assert.equal(installations[0]?.id, installations[1]?.id);
  for (const { dataDir } of [one, two]) {
    const made = (await readdir(dataDir)).filter((name) => /^(blobs|keys|registry-keys)$/.test(name));
    assert.deepEqual(made, []);
  }
});

import { randomBytes } from 'node:crypto';
import { access, mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { startProgram, systemPath } from '@eve/adapter-process';
import { freePort } from '@eve/adapter-process/testing';

/** A real S3 server of one test file, with one empty bucket. */
export interface TestS3 extends AsyncDisposable {
  readonly bucket: string;
  /** `http://127.0.0.1:…` */
  readonly endpoint: string;
  readonly region: string;
  readonly credentials: { readonly accessKeyId: string; readonly secretAccessKey: string };
  /** Where it keeps what it holds. */
  readonly directory: string;
}

/** Starts the S3 server that EVE_TEST_S3 names on a free loopback port; disposing ends it and removes what it holds. */
export async function testS3(): Promise<TestS3 | { missing: string }> {
  const { EVE_TEST_S3: file } = process.env;
  if (!file) return { missing: 'EVE_TEST_S3 names no S3 server: `npm run tools -- s3` makes one' };
  const found = await access(file).then(
    () => true,
    () => false,
  );
  if (!found) return { missing: `${file} does not exist` };
  const scratch = await mkdtemp(join(tmpdir(), 'eve-test-s3-'));
  const [directory, bucket, region] = [join(scratch, 'buckets'), 'eve-test', 'eu-test-1'];
  await mkdir(join(directory, bucket), { recursive: true });
  await mkdir(join(scratch, 'attributes'));
  const address = `127.0.0.1:${await freePort()}`;
  const credentials = {
    accessKeyId: `EVE${randomBytes(8).toString('hex').toUpperCase()}`,
    secretAccessKey: randomBytes(20).toString('hex'),
  };
  const program = await startProgram({
    file,
    args: [
      ...['--quiet', '--port', address, '--region', region, '--health', '/health'],
      ...['posix', '--sidecar', join(scratch, 'attributes'), directory],
    ],
    env: {
      ...{ PATH: systemPath, HOME: scratch },
      ...{ ROOT_ACCESS_KEY_ID: credentials.accessKeyId, ROOT_SECRET_ACCESS_KEY: credentials.secretAccessKey },
    },
    cwd: scratch,
  });
  program.stdin.end();
  program.stdout.resume();
  program.stderr.resume();
  const endpoint = `http://${address}`;
  const stop = async () => {
    await program.stop();
    await rm(scratch, { recursive: true, force: true });
  };
  try {
    await answers(`${endpoint}/health`);
  } catch (error) {
    await stop();
    throw error;
  }
  return { bucket, endpoint, region, credentials, directory, [Symbol.asyncDispose]: stop };
}

async function answers(url: string): Promise<void> {
  for (let tries = 0; ; tries += 1) {
    const answer = await fetch(url).catch((error: Error) => error);
    if (answer instanceof Response && answer.ok) return;
    if (tries > 200) throw new Error(`the S3 server does not answer at ${url}`, { cause: answer });
    await sleep(50);
  }
}

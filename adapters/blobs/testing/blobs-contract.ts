import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { after, before, describe, it } from 'node:test';
import type { Blobs } from '@eve/operations';

export interface BlobsUnderTest extends AsyncDisposable {
  readonly blobs: Blobs;
  /** Fails when anything is there that was put by halves. */
  assertNoHalves(): Promise<void>;
}

const limits = { maxBytes: 1_000_000 };

/** The texts, one by one. */
export async function* parts(...texts: string[]): AsyncGenerator<Uint8Array> {
  for (const text of texts) yield Buffer.from(text);
}

/** All of them, once the last is there. */
export async function all<Item>(items: AsyncIterable<Item>): Promise<Item[]> {
  const found: Item[] = [];
  for await (const item of items) found.push(item);
  return found;
}

/** All of it at once. */
export async function collect(bytes: AsyncIterable<Uint8Array>): Promise<Buffer> {
  return Buffer.concat(await all(bytes));
}

/** Pieces of unequal lengths, up to a size, and then an error where one is given. */
export async function* random(sizeBytes: number, end?: Error): AsyncGenerator<Uint8Array> {
  const block = randomBytes(1_000_003);
  for (let left = sizeBytes; left > 0; left -= block.byteLength) yield block.subarray(0, Math.min(left, block.length));
  if (end) throw end;
}

/** What all blobs must do, wherever they are kept. `open` answers with the reason when that place is not here. */
export function testBlobs(name: string, open: () => Promise<BlobsUnderTest | { missing: string }>): void {
  describe(`blobs ${name}`, { timeout: 60_000 }, () => {
    let opened: BlobsUnderTest | { missing: string } = { missing: 'it was not opened' };
    before(async () => {
      opened = await open();
    });
    after(async () => {
      if (!('missing' in opened)) await opened[Symbol.asyncDispose]();
    });

    const withBlobs = (sentence: string, act: (blobs: Blobs, more: BlobsUnderTest) => Promise<void>) =>
      it(sentence, async (test) => {
        if ('missing' in opened) return test.skip(opened.missing);
        await act(opened.blobs, opened);
      });

    async function textOf(blobs: Blobs, key: string): Promise<string | null> {
      const bytes = await blobs.get(key);
      return bytes && (await collect(bytes)).toString();
    }

    withBlobs('gives back what was put, and says its size and hash', async (blobs) => {
      const written = await blobs.put('sources/p1/abc.pack', parts('one ', 'two'), limits);

      assert.deepEqual(written, { sizeBytes: 7, sha256: createHash('sha256').update('one two').digest('hex') });
      assert.equal(await textOf(blobs, 'sources/p1/abc.pack'), 'one two');
      assert.equal(await blobs.has('sources/p1/abc.pack'), true);
    });

    withBlobs('keeps what has no bytes', async (blobs) => {
      const written = await blobs.put('empty', parts(), limits);

      assert.deepEqual(written, { sizeBytes: 0, sha256: createHash('sha256').digest('hex') });
      assert.equal(await textOf(blobs, 'empty'), '');
    });

    withBlobs('keeps keys with every character that one may have', async (blobs) => {
      await blobs.put('odd/a+b=c@d_e-f.g/1', parts('odd'), limits);

      assert.equal(await textOf(blobs, 'odd/a+b=c@d_e-f.g/1'), 'odd');
      assert.equal(await blobs.has('odd/a b=c@d_e-f.g/1'.replace(' ', '_')), false);
      const found: string[] = [];
      for await (const { key } of blobs.list('odd/a+b=c@d_e-f.g')) found.push(key);
      assert.deepEqual(found, ['odd/a+b=c@d_e-f.g/1']);
    });

    withBlobs('gives a part of what was put, and less where it ends before', async (blobs) => {
      await blobs.put('ranged', parts('0123456789'.repeat(100_000)), limits);
      const read = async (start: number, end: number) =>
        (await collect((await blobs.get('ranged', { start, end }))!)).toString();

      assert.equal(await read(13, 17), '3456');
      assert.equal((await read(5, 700_005)).length, 700_000);
      assert.equal(await read(999_998, 2_000_000), '89');
      assert.equal(await read(999_998, Number.POSITIVE_INFINITY), '89');
      assert.equal(await read(2_000_000, 2_000_001), '');
      assert.equal(await read(3, 3), '');
      assert.equal(await blobs.get('missing', { start: 0, end: 1 }), null);
      assert.equal(await blobs.get('missing', { start: 1, end: 1 }), null);
    });

    withBlobs('keeps what is large, and what is as large as may be', async (blobs, { assertNoHalves }) => {
      const sizeBytes = 2 * 8 * 1024 * 1024 + 12_345;
      const expected = await collect(random(sizeBytes));
      const again = async function* () {
        for (let at = 0; at < expected.length; at += 777_777) yield expected.subarray(at, at + 777_777);
      };

      const written = await blobs.put('large/one', again(), { maxBytes: sizeBytes });

      assert.deepEqual(written, { sizeBytes, sha256: createHash('sha256').update(expected).digest('hex') });
      assert.ok((await collect((await blobs.get('large/one'))!)).equals(expected));
      const [start, end] = [8 * 1024 * 1024 - 5, 8 * 1024 * 1024 + 5];
      const across = await collect((await blobs.get('large/one', { start, end }))!);
      assert.ok(across.equals(expected.subarray(start, end)));
      for (const size of [8 * 1024 * 1024, 2 * 8 * 1024 * 1024]) {
        await blobs.put('large/even', random(size), { maxBytes: size });
        const found = (await all(blobs.list('large'))).find(({ key }) => key === 'large/even');
        assert.equal(found?.sizeBytes, size);
      }
      await assertNoHalves();
    });

    withBlobs('deletes what is below a prefix, and nothing beside it', async (blobs) => {
      const many = Array.from({ length: 20 }, (_, at) => `logs/a/deep/${at}`);
      for (const key of ['logs/a/1', ...many, 'logs/ab/1']) await blobs.put(key, parts('x'), limits);

      await blobs.deleteBelow('logs/a');
      await blobs.deleteBelow('logs/a');

      assert.deepEqual(await Promise.all(['logs/a/1', ...many].map(blobs.has)), Array(21).fill(false));
      assert.equal(await blobs.has('logs/ab/1'), true);
      await assert.rejects(blobs.deleteBelow('../x'), { code: 'request_invalid' });
    });

    withBlobs('lists what is below a prefix with size and time, and nothing beside it', async (blobs) => {
      const began = Date.now() - 1000;
      for (const key of ['listed/a', 'listed/deep/er/b', 'listedtoo/c']) await blobs.put(key, parts('four'), limits);

      const found = await all(blobs.list('listed'));

      assert.deepEqual(found.map(({ key }) => key).sort(), ['listed/a', 'listed/deep/er/b']);
      assert.ok(found.every(({ sizeBytes, modifiedAt }) => sizeBytes === 4 && modifiedAt.getTime() > began));
      for await (const { key } of blobs.list('never-put')) assert.fail(key);
      assert.throws(() => blobs.list('../x'), { code: 'request_invalid' });
    });

    withBlobs('has nothing where nothing was put, or what was put is deleted', async (blobs) => {
      await blobs.put('gone', parts('x'), limits);
      await blobs.delete('gone');
      await blobs.delete('gone');

      assert.equal(await blobs.get('gone'), null);
      assert.equal(await blobs.has('gone'), false);
      await blobs.put('leaf', parts('x'), limits);
      assert.equal(await blobs.get('leaf/below'), null);
    });

    for (const [size, before] of [
      ['small', 4],
      ['large', 3 * 8 * 1024 * 1024],
    ] as const) {
      withBlobs(
        `keeps the old bytes when ${size} new ones are too many or break off`,
        async (blobs, { assertNoHalves }) => {
          const key = `kept/${size}`;
          await blobs.put(key, parts('old'), limits);

          const tooMany = blobs.put(key, random(before + 1), { maxBytes: before });
          await assert.rejects(tooMany, { code: 'body_too_large' });
          const broken = blobs.put(key, random(before, new Error('connection lost')), { maxBytes: 2 * before });
          await assert.rejects(broken, /connection lost/);

          assert.equal(await textOf(blobs, key), 'old');
          await assertNoHalves();
        },
      );
    }

    withBlobs(
      'gives a reader the whole of what it began to read, while another is put or it is deleted',
      async (blobs) => {
        await blobs.put('read', parts('first'), limits);
        const reading = await blobs.get('read');
        await blobs.put('read', parts('second'), limits);
        await blobs.delete('read');

        assert.equal((await collect(reading!)).toString(), 'first');
      },
    );

    for (const key of [
      '',
      '/etc/passwd',
      '../up',
      'a/../../up',
      'a//b',
      '.drafts/x',
      'a/./b',
      'a\0b',
      'a\\b/c',
      'a?uploads',
      'a%2fb',
      'a#b',
      `a/${'x'.repeat(300)}`,
    ]) {
      withBlobs(`refuses the key ${JSON.stringify(key.slice(0, 20))}`, async (blobs) => {
        await assert.rejects(blobs.put(key, parts('x'), limits), { code: 'request_invalid' });
        await assert.rejects(blobs.get(key), { code: 'request_invalid' });
        await assert.rejects(blobs.delete(key), { code: 'request_invalid' });
      });
    }
  });
}

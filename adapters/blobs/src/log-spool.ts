import { randomBytes } from 'node:crypto';
import { type FileHandle, mkdir, open, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { LogSpool, NewLogLine, SpooledLines } from '@eve/operations';

interface Batch {
  readonly offset: number;
  readonly length: number;
}

/** Lines that wait in files of a directory. A file has no name while it is used, so that nothing of it outlives the process. */
export function directoryLogSpool({ directory, maxBytes }: { directory: string; maxBytes: number }): LogSpool {
  return {
    maxBytes,
    async open() {
      await mkdir(directory, { recursive: true, mode: 0o700 });
      const path = join(directory, `log-${process.pid}-${randomBytes(8).toString('hex')}`);
      const file = await open(path, 'wx+', 0o600);
      await rm(path);
      return spooledLines(file, maxBytes);
    },
  };
}

function spooledLines(file: FileHandle, maxBytes: number): SpooledLines {
  const batches: Batch[] = [];
  let end = 0;
  return {
    get waiting() {
      return batches.length;
    },

    async push(lines) {
      const bytes = Buffer.from(JSON.stringify(lines));
      if (end + bytes.byteLength > maxBytes) return false;
      try {
        for (let done = 0; done < bytes.byteLength; ) {
          done += (await file.write(bytes, done, bytes.byteLength - done, end + done)).bytesWritten;
        }
      } catch (error) {
        if (isFull(error)) return false;
        throw error;
      }
      batches.push({ offset: end, length: bytes.byteLength });
      end += bytes.byteLength;
      return true;
    },

    async take() {
      const [batch] = batches;
      if (!batch) return null;
      const bytes = Buffer.allocUnsafe(batch.length);
      for (let done = 0; done < batch.length; ) {
        const { bytesRead } = await file.read(bytes, done, batch.length - done, batch.offset + done);
        if (bytesRead === 0) throw new Error('A file of waiting log lines is shorter than what was written to it.');
        done += bytesRead;
      }
      batches.shift();
      if (batches.length === 0) {
        end = 0;
        await file.truncate(0);
      }
      // What was written above; JSON has turned the times into texts.
      const lines = JSON.parse(bytes.toString('utf8')) as readonly (Omit<NewLogLine, 'at'> & { at: string })[];
      return lines.map((line) => ({ ...line, at: new Date(line.at) }));
    },

    [Symbol.asyncDispose]: () => file.close(),
  };
}

function isFull(error: unknown): boolean {
  const { code } = error as NodeJS.ErrnoException;
  return code === 'ENOSPC' || code === 'EDQUOT' || code === 'EFBIG';
}

/** Bytes kept by name outside the database: uploaded sources, finished logs, root filesystems. */
export interface Blobs {
  /** Stores bytes under a key, whole or not at all. Refuses more than `maxBytes` with `body_too_large`. Returns size and sha256 (hex). */
  put(
    key: string,
    bytes: AsyncIterable<Uint8Array>,
    options: { maxBytes: number },
  ): Promise<{ sizeBytes: number; sha256: string }>;
  /** Null when there is no such blob. With a range only its bytes from `start` up to, not with, `end`; less where the blob ends before. */
  get(key: string, range?: { start: number; end: number }): Promise<AsyncIterable<Uint8Array> | null>;
  /** Every blob whose key begins with the prefix and a slash, in no order. */
  list(prefix: string): AsyncIterable<{ readonly key: string; readonly sizeBytes: number; readonly modifiedAt: Date }>;
  has(key: string): Promise<boolean>;
  delete(key: string): Promise<void>;
  /** Deletes every blob whose key begins with the prefix and a slash. */
  deleteBelow(prefix: string): Promise<void>;
}

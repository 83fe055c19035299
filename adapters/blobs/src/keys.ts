import { PlatformError } from '@eve/domain';

/** Whether a text may name a blob: parts without anything that a file system or a URL reads in its own way. */
export function isKey(text: string): boolean {
  return text.length <= 512 && text.split('/').every((part) => /^[A-Za-z0-9_@+=-][A-Za-z0-9._@+=-]{0,199}$/.test(part));
}

/** Keys are made by operations, yet may hold parts that came from outside. Throws `request_invalid`. */
export function checkKey(key: string): void {
  if (!isKey(key)) throw new PlatformError('request_invalid', 'This is no name for a stored file.');
}

/** The answer to more bytes than are allowed. */
export function tooLarge(maxBytes: number): PlatformError {
  return new PlatformError('body_too_large', `This is larger than the ${maxBytes} bytes that are allowed.`);
}

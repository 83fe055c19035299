import { createHash } from 'node:crypto';

const longest = 52;
const digits = 8;

/** A name that the API server takes for any object, the same again for the same text: the text itself where it is one. */
export function objectName(text: string): string {
  if (text.length <= longest && /^[a-z]([a-z0-9-]*[a-z0-9])?$/.test(text)) return text;
  const digest = createHash('sha256').update(text).digest('hex').slice(0, digits);
  const words = text
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^[^a-z]+/, '')
    .slice(0, longest - digits - 1)
    .replace(/-+$/, '');
  return words ? `${words}-${digest}` : `x-${digest}`;
}

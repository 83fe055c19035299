import { z } from 'zod';

/** Numbers and booleans count as the characters that stand in the file. */
export const Text = z.union([z.string(), z.number(), z.boolean()]);
export const TextMap = z
  .union([z.record(z.string(), Text.nullable()), z.array(z.string())])
  .describe('A map, or a list of NAME=value.');
export const Command = z.union([z.string(), z.array(Text)]).describe('A list, or text that is split as a shell would.');
export const Duration = z
  .union([z.string(), z.number()])
  .describe('Such as 10s, 1m30s or 500ms; a bare number counts seconds.');
export const Size = z.union([z.string(), z.number()]).describe('Such as 512M or 1g; a bare number counts bytes.');
export const Count = z.union([z.int(), z.string().regex(/^\d+$/)]);

/** A field that is known, has no effect, and says why. */
export function ignored(reason: string) {
  return z
    .unknown()
    .optional()
    .meta({ description: `Has no effect: ${reason}`, ignored: reason });
}

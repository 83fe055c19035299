import { z } from 'zod';

export const flag = z.stringbool({ truthy: ['true', '1', 'yes', 'on'], falsy: ['false', '0', 'no', 'off'] });
export const port = z.coerce.number().int().min(1).max(65_535);
export const count = z.coerce.number().int().min(1).max(1_000);

export const kept = z.coerce.number().int().min(0).max(100_000);

const units: Record<string, number> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 };
/** A duration in milliseconds, written as 90s, 15m or 2h. */
export const duration = (otherwise: string) =>
  z
    .string()
    .regex(/^[1-9]\d{0,6}(ms|s|m|h)$/, 'must be a duration such as 90s, 15m or 2h')
    .default(otherwise)
    .transform((text) => Number.parseInt(text, 10) * (units[text.replace(/\d+/, '')] ?? 1));
/** As a duration, or 0. */
export const durationOrNever = (otherwise: string) =>
  z.union([z.literal('0').transform(() => 0), duration(otherwise)]).default(duration(otherwise).parse(undefined));

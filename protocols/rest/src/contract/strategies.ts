import { z } from 'zod';

/** How traffic moves to a new revision, in the words of the manifest. */
export const Strategy = z
  .object({
    type: z.enum(['rolling', 'blue-green', 'canary']),
    steps: z
      .array(
        z.object({
          weight: z.int().describe('percent of the traffic'),
          pause: z.string().nullable().describe('how long it is watched; null: until it is promoted'),
        }),
      )
      .optional(),
    keep_warm: z.string().optional().describe('how long what served before is kept for a rollback, such as 10m'),
  })
  .meta({ id: 'Strategy' });
export type Strategy = z.infer<typeof Strategy>;

/** As a request gives it: `rolling`, `blue-green:10m`, `canary:10@5m,50`, or a mapping as in the manifest. */
export const AskedStrategy = z.union([z.string().min(1).max(500), z.record(z.string(), z.unknown())]);

import { z } from 'zod';

/** What is kept without anybody naming it; what a revision that can be restored names is kept whatever this says. */
export const RetentionPolicy = z
  .object({
    revisions: z.int().describe('per environment that can be rolled back to, the current one apart'),
    releases: z.int().describe('per project that no revision which can be restored names'),
    builds: z.int().describe('per project, the newest; those that a release names stay besides'),
    images_seconds: z.number().describe('how long images stay that nothing names'),
    logs_seconds: z.number().describe('how long logs of removed instances stay'),
    every_seconds: z.number().describe('how often it is collected by itself; 0: only when asked'),
  })
  .meta({ id: 'RetentionPolicy' });
export type RetentionPolicy = z.infer<typeof RetentionPolicy>;

export const Retention = z
  .object({ policy: RetentionPolicy, running: z.boolean().describe('whether garbage is being collected now') })
  .meta({ id: 'Retention' });
export type Retention = z.infer<typeof Retention>;

export const CollectGarbage = z.strictObject({
  dry_run: z.boolean().optional().describe('only says what would go, and by which rule'),
  wait_seconds: z
    .number()
    .min(0)
    .max(3_600)
    .optional()
    .describe('how long builds under way are waited for before the registry is left out; 120 unless given'),
});
export type CollectGarbage = z.infer<typeof CollectGarbage>;

export const Garbage = z
  .object({
    kind: z.enum([
      ...(['release', 'build', 'registry_image', 'engine_image', 'container'] as const),
      ...(['network', 'volume', 'namespace', 'blob', 'instance_log'] as const),
    ]),
    id: z.string().describe('a reference, name, key or id'),
    size_bytes: z.number().nullable(),
    rule: z.string(),
  })
  .meta({ id: 'Garbage' });
export type Garbage = z.infer<typeof Garbage>;

export const GarbageReport = z
  .object({
    dry_run: z.boolean(),
    policy: RetentionPolicy,
    items: z.array(Garbage).describe('what went, or would go'),
    told: z.array(Garbage).describe('what nobody needs and only a person removes: volumes'),
    notes: z.array(z.string()).describe('what was left out, and why'),
    freed_bytes: z.number().nullable().describe('in the registry, as measured; null where nothing was collected there'),
  })
  .meta({ id: 'GarbageReport' });
export type GarbageReport = z.infer<typeof GarbageReport>;

import { z } from 'zod';
import { Command, Count, Duration, ignored } from './schema-words.ts';

const StepFile = z
  .object({
    weight: Count.describe('Percent of the traffic that the new revision gets: 1 to 99, more with every step.'),
    pause: Duration.nullable()
      .optional()
      .describe('How long it is watched; null, `manual` or nothing: until somebody promotes it.'),
  })
  .meta({ id: 'canary_step' });

/** How traffic moves to a new revision: a word, a word with what belongs to it, or a mapping. */
export const StrategyFile = z
  .union([
    z.enum(['rolling', 'blue-green', 'canary']),
    z.string().describe('Such as blue-green:10m, canary:10,50 or canary:10@5m,50.'),
    z
      .object({
        type: z.enum(['rolling', 'blue-green', 'canary']),
        steps: z
          .array(z.union([StepFile, Count]))
          .min(1)
          .max(20)
          .optional()
          .describe('Of a canary; 10 percent until somebody promotes it unless given.'),
        keep_warm: Duration.optional().describe(
          'Of blue-green and canary: how long what served before is kept for an instant rollback; 0 unless given.',
        ),
      })
      .meta({ id: 'strategy' }),
  ])
  .describe(
    'How traffic moves to a new revision: `blue-green` (all at once when everything new is healthy), `rolling` (replicas one after another) or `canary` (a part of the traffic first).',
  );

export const UpdateFile = z
  .object({
    parallelism: Count.optional().describe('Replicas at a time; 1 unless given, 0 for all.'),
    delay: Duration.optional().describe('Between one group of replicas and the next; none unless given.'),
    order: z.enum(['start-first', 'stop-first']).optional().describe('start-first unless given: new before old.'),
    failure_action: z
      .enum(['rollback', 'pause', 'continue'])
      .optional()
      .describe('What happens when a new replica fails; rollback unless given.'),
    monitor: Duration.optional().describe(
      'How long a new replica is watched; as `stabilise` of the environment unless given.',
    ),
    max_failure_ratio: ignored('one replica that fails is a failure.'),
  })
  .meta({ id: 'update_config' });

export const ReleaseCommandFile = z
  .object({
    command: Command.describe('Text for a shell, or a list.'),
    timeout: Duration.optional().describe('10m unless given.'),
  })
  .meta({ id: 'release_command' });

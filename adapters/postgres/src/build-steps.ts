import type { BuildStep } from '@eve/domain';
import type { Records } from '@eve/operations';
import type { Database } from './connection.ts';
import { json, part } from './sql.ts';
import { changedMeanwhile, notifyChanged, writeUnderLease } from './state-change.ts';

type Stored = Omit<BuildStep, 'startedAt' | 'completedAt'> & {
  readonly startedAt: string | null;
  readonly completedAt: string | null;
};

/** The steps of builds: one row for each service in each attempt, written as a whole. */
export function buildSteps(database: Database): Records['buildSteps'] {
  const { sql } = database;
  return {
    async put(run, service, steps, lease) {
      const { id, tenantId, projectId, attempt } = run;
      const written = await writeUnderLease(
        database,
        lease,
        part`
          insert into build_steps (tenant_id, project_id, run_id, service, attempt, steps)
          select tenant_id, project_id, id, ${service}, ${attempt}::integer, ${json(steps)}::jsonb
          from build_runs
          where id = ${id} and tenant_id = ${tenantId} and project_id = ${projectId} and attempt = ${attempt}
            and status = 'building' and exists (select from held)
          on conflict (run_id, attempt, service) do update set steps = excluded.steps
          returning ${notifyChanged(id)}`,
      );
      if (written === 0) throw changedMeanwhile('build_run', id, `attempt ${attempt} is no longer under way`);
    },

    async listOfRun(tenantId, runId) {
      const rows = await sql<{ service: string; attempt: number; steps: readonly Stored[] }>`
        select service, attempt, steps from build_steps
        where tenant_id = ${tenantId} and run_id = ${runId} order by attempt, service`;
      return rows.flatMap(({ service, attempt, steps }) =>
        steps.map((step) => ({
          ...step,
          service,
          attempt,
          startedAt: dateOf(step.startedAt),
          completedAt: dateOf(step.completedAt),
        })),
      );
    },
  };
}

function dateOf(text: string | null): Date | null {
  return text === null ? null : new Date(text);
}

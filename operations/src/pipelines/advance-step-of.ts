import type { OrganisationId, ProjectId } from '@eve/domain';
import type { Records } from '../ports/store.ts';

/** Queues the pipeline run that waits for this record, in the transaction that ends the record. */
export async function advanceStepOf(
  records: Pick<Records, 'pipelineRuns' | 'queue'>,
  subject: { id: string; tenantId: OrganisationId; projectId: ProjectId },
): Promise<void> {
  const step = await records.pipelineRuns.findStepBySubject(subject.tenantId, subject.id);
  if (!step) return;
  await records.queue.add({
    kind: 'advance-pipeline-run',
    id: step.runId,
    tenantId: subject.tenantId,
    projectId: subject.projectId,
    class: 'control',
    version: 1,
    exclusiveKey: step.runId,
  });
}

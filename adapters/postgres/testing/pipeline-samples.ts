import type { PipelineRun, Project, Step } from '@eve/domain';
import { at, hashOf, newId, ownedBy } from './samples.ts';

export function samplePipelineRun(project: Project, over: Partial<PipelineRun> = {}): PipelineRun {
  return {
    id: newId('prun'),
    ...ownedBy(project),
    pipelineName: 'deploy',
    environmentId: null,
    envName: 'staging',
    gitSha: 'a'.repeat(40),
    manifestHash: hashOf('manifest'),
    inputs: {},
    status: 'pending',
    errorMessage: null,
    requestedBy: null,
    createdAt: at,
    startedAt: null,
    completedAt: null,
    ...over,
  };
}

export function sampleStep(run: PipelineRun, over: Partial<Step> = {}): Step {
  return {
    id: newId('pstep'),
    tenantId: run.tenantId,
    runId: run.id,
    index: 0,
    name: 'build',
    action: 'build',
    envName: null,
    dependsOn: [],
    inputs: {},
    status: 'pending',
    output: null,
    subjectId: null,
    errorMessage: null,
    startedAt: null,
    completedAt: null,
    ...over,
  };
}

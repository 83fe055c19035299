import type {
  Deploy,
  Environment,
  EnvironmentRules,
  EnvironmentStatus,
  LogEntry,
  Page,
  PipelineRunDetail,
  Release,
  Revision,
  Step,
  SyncedManifest,
} from '@eve/protocol-rest/contract';
import { artifact, at, hash, idOf, later, project, run, sha, spec } from './build-samples.ts';

export * from './build-samples.ts';

export const synced: SyncedManifest = {
  id: idOf('mnfst'),
  project_id: project.id,
  manifest_hash: hash,
  git_sha: sha,
  branch: 'main',
  services: ['web'],
  environments: ['test'],
  pipelines: ['deploy'],
  created_at: at,
  synced_at: at,
  warnings: [],
  secret_validation: { missing: [] },
};

export const environment: Environment = {
  id: idOf('env'),
  project_id: project.id,
  name: 'test',
  type: 'persistent',
  status: 'active',
  suspended_reason: null,
  settings: {
    strategy: null,
    approval: null,
    auto_deploy: null,
    protected: null,
    drift: null,
    auto_rollback: null,
    stabilise: null,
  },
  lock: null,
  version: '0123456789abcdef',
  current_revision_id: idOf('rev'),
  last_deploy_id: idOf('dep'),
  created_at: at,
};

export const rules: EnvironmentRules = {
  strategy: { type: 'blue-green', keep_warm: '0s' },
  approval: 'none',
  auto_deploy: false,
  protected: false,
  drift: 'report',
  auto_rollback: true,
  stabilise: '10s',
};

export const release: Release = {
  id: idOf('rel'),
  project_id: project.id,
  git_sha: sha,
  manifest_hash: hash,
  image_digests: { web: artifact.digest },
  images: { web: { image_ref: artifact.image_ref, digest: artifact.digest } },
  build_id: spec.id,
  version: '1.0.0',
  tag: 'v1.0.0',
  local: false,
  created_by: null,
  created_at: at,
};

export const revision: Revision = {
  id: idOf('rev'),
  project_id: project.id,
  environment_id: environment.id,
  number: 3,
  release_id: release.id,
  config_version_id: idOf('cfg'),
  secret_keys: [],
  restored_from: null,
  created_by: null,
  created_at: at,
};

export const deploy: Deploy = {
  id: idOf('dep'),
  project_id: project.id,
  environment_id: environment.id,
  revision_id: revision.id,
  status: 'pending',
  phase: null,
  cause: 'direct',
  rolled_back_to: null,
  error_message: null,
  error_code: null,
  error: null,
  strategy: rules.strategy,
  warnings: [],
  canary: null,
  canary_request: null,
  release_commands: [],
  approved_by: null,
  approved_at: null,
  cancel_requested_at: null,
  cancel_reason: null,
  waiting: null,
  waits_for: null,
  created_by: null,
  created_at: at,
  started_at: null,
  completed_at: null,
};

export const healthyDeploy: Deploy = { ...deploy, status: 'healthy', started_at: at, completed_at: later };

export const status: EnvironmentStatus = {
  project_id: project.id,
  env_name: 'test',
  status: 'ready',
  ready: true,
  unknown_because: null,
  hint: null,
  environment,
  rules,
  revision,
  release,
  last_deploy: healthyDeploy,
  active_deploy: null,
  waiting_deploy: null,
  drift: null,
  differences: [],
  services: [
    {
      name: 'web',
      state: 'running',
      image: artifact.image_ref,
      urls: ['http://web--test--shop.localhost:8080', 'http://127.0.0.1:41001'],
      replicas: 1,
      digest_matches: true,
      instances: [],
    },
  ],
  checked_at: later,
};

const step: Step = {
  id: idOf('pstep'),
  pipeline_run_id: idOf('prun'),
  step_index: 0,
  step_name: 'build',
  step_type: 'build',
  env_name: null,
  depends_on: [],
  status: 'pending',
  subject_id: null,
  waits_for: null,
  input_json: {},
  output_json: null,
  error_message: null,
  started_at: null,
  completed_at: null,
  duration_ms: null,
};

const done = { status: 'succeeded', started_at: at, completed_at: later } as const;

export const pipelineRun: PipelineRunDetail = {
  run: {
    id: idOf('prun'),
    project_id: project.id,
    pipeline_name: 'deploy',
    env_name: 'test',
    git_sha: sha,
    manifest_hash: hash,
    inputs: {},
    status: 'running',
    error_message: null,
    requested_by: null,
    created_at: at,
    started_at: at,
    completed_at: null,
  },
  steps: [
    { ...step, status: 'running', subject_id: run.id, output_json: { build_id: spec.id }, started_at: at },
    { ...step, id: idOf('pstep', 2), step_index: 1, step_name: 'deploy', step_type: 'deploy', env_name: 'test' },
  ],
};

export const succeededPipelineRun: PipelineRunDetail = {
  run: { ...pipelineRun.run, ...done },
  steps: pipelineRun.steps.map((each, index) => ({
    ...each,
    ...done,
    ...(index === 1 && { subject_id: deploy.id, output_json: { deploy_id: deploy.id } }),
  })),
};

export function logEntry(sequence: number, message: string, more: Partial<LogEntry['line']> = {}): LogEntry {
  const place = { step: 'build', service: 'web', stream: 'stdout', level: 'info', attempt: 1 } as const;
  return { sequence, timestamp: at, line: { message, ...place, ...more } };
}

export function pageOf<Item>(...data: Item[]): Page<Item> {
  return { data, pagination: { limit: 20, offset: 0, count: data.length, next_cursor: null } };
}

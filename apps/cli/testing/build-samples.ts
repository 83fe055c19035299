import { encodeId, type Id, uuidV7 } from '@eve/domain';
import type { BuildArtifact, BuildRun, BuildSpec, Project } from '@eve/protocol-rest/contract';

export const at = '2026-01-02T03:04:05.678Z';
export const later = '2026-01-02T03:04:17.678Z';

/** The same id for the same prefix and number. */
export function idOf<Prefix extends string>(prefix: Prefix, number = 1): Id<Prefix> {
  return encodeId(prefix, uuidV7(Date.parse(at) + number, new Uint8Array(10)));
}

export const sha = 'a1b2c3d4'.repeat(5);
export const hash = 'b'.repeat(64);

export const project: Project = {
  id: idOf('proj'),
  org_id: idOf('org'),
  slug: 'shop',
  name: 'Shop',
  repo_url: null,
  branch: 'main',
  repo_token_secret: null,
  created_at: at,
};

export const spec: BuildSpec = {
  id: idOf('bld'),
  project_id: project.id,
  number: 7,
  source: { kind: 'git', sha },
  target: 'image',
  git_sha: sha,
  manifest_hash: hash,
  services: null,
  inputs: null,
  registry: null,
  cache: null,
  created_by: 'token:test',
  created_at: at,
};

export const run: BuildRun = {
  id: idOf('brun'),
  build_id: spec.id,
  project_id: project.id,
  status: 'pending',
  phase: null,
  backend: 'buildx',
  attempt: 1,
  retries: 0,
  notes: [],
  runner_ref: null,
  logs_ref: null,
  error_message: null,
  error_code: null,
  error: null,
  reused_from: null,
  verifies: null,
  verification: null,
  limits: null,
  usage: null,
  deadline: null,
  cancel_requested_at: null,
  cancel: null,
  waiting: { reason: 'builder_capacity', position: 2, until: null },
  created_by: null,
  created_at: at,
  started_at: null,
  completed_at: null,
};

export const completedRun: BuildRun = {
  ...run,
  status: 'completed',
  waiting: null,
  started_at: at,
  completed_at: later,
};

export const failedRun: BuildRun = {
  ...completedRun,
  status: 'failed',
  error_message: 'docker buildx failed with exit code 1 at [deps 2/3] RUN npm ci',
  error_code: 'build_error',
  error: {
    code: 'build_error',
    phase: 'build',
    message: 'docker buildx failed with exit code 1 at [deps 2/3] RUN npm ci',
    service: 'web',
    step: '[deps 2/3] RUN npm ci',
    tail: ['npm error 404'],
    hint: 'Read the failing step.',
    retry_helps: false,
    retry_class: null,
  },
};

export const artifact: BuildArtifact = {
  id: idOf('bart'),
  build_id: spec.id,
  run_id: run.id,
  service_name: 'web',
  image_ref: '127.0.0.1:5000/local/shop/web',
  digest: `sha256:${'c'.repeat(64)}`,
  tags: ['sha-a1b2c3d4'],
  platforms: ['linux/amd64'],
  platform_digests: [],
  size_bytes: 41_200_000,
  sbom_ref: null,
  provenance_ref: null,
  created_at: later,
};

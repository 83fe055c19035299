import type { ErrorDetail, Manifest } from '@eve/domain';
import type { ManifestSync } from '@eve/operations';
import type * as contract from '../contract/index.ts';
import { iso } from './time.ts';

export function presentManifest(
  { manifest: record, gitSha, branch, syncedAt }: ManifestSync,
  manifest: Manifest | null,
): contract.Manifest {
  return {
    id: record.id,
    project_id: record.projectId,
    manifest_hash: record.hash,
    git_sha: gitSha,
    branch,
    services: Object.keys(manifest?.services ?? {}),
    environments: Object.keys(manifest?.environments ?? {}),
    pipelines: Object.keys(manifest?.pipelines ?? {}),
    yaml: record.yaml,
    created_at: iso(record.createdAt),
    synced_at: iso(syncedAt),
  };
}

export function presentDetail({ path, message, line, column }: ErrorDetail): contract.ErrorDetail {
  return {
    path,
    pointer: pointerOf(path),
    message,
    ...(line !== undefined && { line }),
    ...(column !== undefined && { column }),
  };
}

/** A dotted path as a JSON pointer (RFC 6901). */
function pointerOf(path: string): string {
  if (path === '') return '';
  return `/${path
    .split('.')
    .map((part) => part.replaceAll('~', '~0').replaceAll('/', '~1'))
    .join('/')}`;
}

import { isGitSha, type ProjectId } from '@eve/domain';
import type { Caller } from '../caller.ts';
import { recordAct } from '../organisations/record-act.ts';
import { invalidField } from '../organisations/refuse.ts';
import type { Platform } from '../platform.ts';
import { findProject } from '../projects/get-project.ts';

const maxBytes = 1024 ** 3;

/** Keeps the commit of a working copy (a git pack), for builds of a commit that was pushed nowhere. */
export async function uploadSource(
  { store, blobs, now }: Pick<Platform, 'store' | 'blobs' | 'now'>,
  caller: Caller,
  projectId: ProjectId,
  { sha, bytes }: { sha: string; bytes: AsyncIterable<Uint8Array> },
): Promise<{ sha: string; sizeBytes: number }> {
  const project = await findProject({ store }, caller, 'build', projectId);
  if (!isGitSha(sha)) throw invalidField('sha', 'Give the whole commit id: 40 lower-case hex digits.');

  const { sizeBytes } = await blobs.put(sourceBlobKey(project.id, sha), bytes, { maxBytes });
  await recordAct(store, caller, {
    subjectKind: 'source',
    subjectId: `${project.id}/${sha}`,
    from: null,
    to: 'uploaded',
    event: 'upload',
    at: now(),
  });
  return { sha, sizeBytes };
}

/** Where the pack of an uploaded commit is kept. */
export function sourceBlobKey(projectId: ProjectId, sha: string): string {
  return `sources/${projectId}/${sha}.pack`;
}

import { ApiError } from '@eve/protocol-rest/client';
import type { Context } from './context.ts';
import { CommandFailed, UsageError } from './failure.ts';
import { openRepository, type Repository } from './git.ts';
import { counted, size } from './output/text.ts';

const shownFiles = 10;

/** A commit whose manifest the server knows. */
export interface Commit {
  readonly sha: string;
  readonly manifestHash: string;
}

/** The commit that is meant: of the working copy, which is uploaded, or of the repository that the server knows. */
export async function commitFor(
  context: Context,
  project: string,
  {
    ref,
    repoDir,
    manifestHash,
  }: { ref: string | undefined; repoDir: string | undefined; manifestHash?: string | undefined },
): Promise<Commit> {
  if (repoDir !== undefined) {
    const commit = await uploadedCommit(context, project, await openRepository(repoDir), ref ?? 'HEAD');
    if (manifestHash === undefined || manifestHash === commit.manifestHash) return commit;
    throw new CommandFailed(
      `The manifest of ${commit.sha.slice(0, 8)} has the hash ${commit.manifestHash}, not ${manifestHash}.`,
      { code: 'manifest_hash_mismatch', advice: ['Leave --manifest-hash out: with --repo-dir it is computed.'] },
    );
  }
  if (ref === undefined) throw new UsageError('Say what to take: --ref <branch, tag or commit>, or --repo-dir <path>.');
  const sha = await resolvedRef(context, project, ref);
  if (manifestHash !== undefined) return { sha, manifestHash };
  const own = await context.api.latestManifest(project, { git_sha: sha });
  if (own?.git_sha === sha) return { sha, manifestHash: own.manifest_hash };
  const latest = own ?? (await context.api.latestManifest(project));
  throw new CommandFailed(
    latest
      ? `The manifest that was synced last belongs to ${latest.git_sha?.slice(0, 8) ?? 'no commit'}, not to ${sha.slice(0, 8)}.`
      : 'No manifest of this project was synced yet.',
    {
      code: 'manifest_not_synced',
      advice: [
        `From a working copy: add --repo-dir <path>, or first run: eve project sync --ref ${ref} --repo-dir <path>`,
      ],
    },
  );
}

/** A ref as the server's repository has it; a whole commit id is taken as it is. */
export async function resolvedRef(context: Context, project: string, ref: string): Promise<string> {
  if (/^[0-9a-f]{40}$/.test(ref)) return ref;
  const { git_sha: sha } = await context.api.resolveRef(project, ref).catch((error: unknown) => {
    throw error instanceof ApiError && error.code === 'ref_not_found' && /^[0-9a-f]{4,39}$/i.test(ref)
      ? shortenedCommit(ref, error)
      : error;
  });
  context.say(`Resolved ref '${ref}' → ${sha.slice(0, 8)}...`);
  return sha;
}

/** Git tells whole commit ids only from the outside of a repository. */
function shortenedCommit(ref: string, cause: unknown): CommandFailed {
  return new CommandFailed(
    `The server finds no branch or tag '${ref}'. If it is a shortened commit id: give all 40 digits.`,
    {
      code: 'ref_not_found',
      advice: [
        `See all 40 digits: git rev-parse ${ref}`,
        'Or name a branch or tag, or add --repo-dir <path>, which knows shortened ids.',
      ],
    },
    { cause },
  );
}

async function uploadedCommit(context: Context, project: string, repository: Repository, ref: string): Promise<Commit> {
  const commit = await syncedCommit(context, project, repository, ref, { validateSecrets: true });
  const uploaded = await context.api.uploadSource(project, commit.sha, repository.pack(commit.sha));
  context.say(`Uploaded ${commit.sha.slice(0, 8)} (${size(uploaded.size_bytes)})`);
  return commit;
}

/** Records the manifest of a commit of the working copy with the server, and says what is left out. */
export async function syncedCommit(
  context: Context,
  project: string,
  repository: Repository,
  ref: string,
  { validateSecrets = false, strict = false }: { validateSecrets?: boolean; strict?: boolean } = {},
): Promise<Commit & { answer: Awaited<ReturnType<Context['api']['syncManifest']>> }> {
  const sha = await repository.commitOf(ref);
  if (ref !== sha) context.say(`Resolved ref '${ref}' → ${sha.slice(0, 8)}...`);
  await sayUncommitted(context, repository, sha);
  const answer = await context.api.syncManifest(project, {
    yaml: await repository.manifestAt(sha),
    git_sha: sha,
    branch: await repository.branchOf(ref),
    validate_secrets: validateSecrets,
    strict,
  });
  for (const { path, line, column, message } of answer.warnings) {
    context.warn(`Warning: manifest ${line === undefined ? '' : `${line}:${column ?? 1} `}${path}: ${message}`);
  }
  for (const { key } of answer.secret_validation.missing) {
    context.warn(`Warning: secret ${key} is not set. Set it: eve secrets set ${key} -`);
  }
  return { sha, manifestHash: answer.manifest_hash, answer };
}

async function sayUncommitted(context: Context, repository: Repository, sha: string): Promise<void> {
  const head = await repository.commitOf('HEAD').catch(() => null);
  if (head !== sha) return;
  const files = await repository.uncommitted();
  if (files.length === 0) return;
  const more = files.length > shownFiles ? [`  … and ${counted(files.length - shownFiles, 'file')} more`] : [];
  const shown = files.slice(0, shownFiles).map((file) => `  ${file}`);
  context.warn(
    [
      `Note: uncommitted changes are not part of the deploy (${counted(files.length, 'file')}):`,
      ...shown,
      ...more,
    ].join('\n'),
  );
}

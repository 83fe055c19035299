import { BuildFailed, buildFailure } from '@eve/domain';
import { sha256 } from '../canonical.ts';
import type { LogWriter } from '../logs/log-writer.ts';
import type { Platform } from '../platform.ts';
import type { Workspace } from '../ports/source.ts';
import { sourceBlobKey } from '../sources/upload-source.ts';
import type { BuildContext } from './build-context.ts';
import { repositoryOf } from './resolve-ref.ts';

const manifestPath = '.eve/manifest.yaml';
const manifestLimit = 1024 * 1024;

/** Fetches the run's commit, from an upload when there is one, and checks that its manifest is the recorded one. */
export async function checkOutSource(
  platform: Pick<Platform, 'store' | 'source' | 'blobs' | 'vault' | 'settings' | 'failpoint'>,
  { spec, project }: BuildContext,
  writer: LogWriter,
  signal: AbortSignal,
): Promise<Workspace> {
  const sha = spec.gitSha as string;
  const pack = await platform.blobs.get(sourceBlobKey(project.id, sha));
  const repository = await repositoryOf(platform, project);
  if (!pack && !repository) {
    throw new BuildFailed(
      buildFailure('clone_error', `Project ${project.slug} has no repository, and commit ${sha} was not uploaded.`, {
        hint: 'Set the repository with `eve project update --repo <url>`, or deploy with --repo-dir.',
      }),
    );
  }
  const workspace = await platform.source.checkout(
    { repository, sha, pack },
    (step, text) => {
      writer.say(text, { step });
      if (step === 'clone') platform.failpoint('in-clone');
    },
    signal,
  );
  try {
    const bytes = await workspace.readFile(manifestPath, manifestLimit);
    const hash = bytes && sha256(bytes);
    if (hash !== spec.manifestHash) {
      throw new BuildFailed(
        buildFailure(
          'build_error',
          hash
            ? `The manifest in commit ${sha.slice(0, 8)} has the hash ${hash}, this build was made for ${spec.manifestHash}.`
            : `Commit ${sha.slice(0, 8)} has no ${manifestPath}.`,
          {
            phase: 'plan',
            hint: `Sync the manifest of that commit and create the build again: \`eve project sync --ref ${sha} --repo-dir .\`.`,
          },
        ),
      );
    }
    return workspace;
  } catch (error) {
    await workspace[Symbol.asyncDispose]();
    throw error;
  }
}

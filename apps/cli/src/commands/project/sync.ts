import { command, flag, text } from '../../command.ts';
import { syncedCommit } from '../../commit.ts';
import { openRepository } from '../../git.ts';
import { fields, shortSha } from '../../output/text.ts';

export const projectSync = command({
  name: 'project sync',
  summary: 'record the manifest of a commit with the server',
  options: {
    ref: text('<ref>', 'branch, tag or commit (HEAD)'),
    repoDir: text('<path>', 'the working copy (this directory)'),
    validateSecrets: flag('name the secrets that the manifest needs and that are not set'),
    strict: flag('refuse a manifest whose secrets are not all set'),
  },

  async run(context, { ref, repoDir, validateSecrets, strict }) {
    const directory = repoDir ?? context.directory;
    const project = await context.project(directory);
    const repository = await openRepository(directory);
    const { answer, sha } = await syncedCommit(context, project, repository, ref ?? 'HEAD', {
      validateSecrets,
      strict,
    });
    context.answer(answer, () => [
      `Manifest synced: ${shortSha(sha)}`,
      ...fields({
        Hash: answer.manifest_hash,
        Branch: answer.branch,
        Services: answer.services.join(', '),
        Environments: answer.environments.join(', '),
        Pipelines: answer.pipelines.join(', '),
      }),
    ]);
  },
});

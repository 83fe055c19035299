import { command, each, list, text } from '../../command.ts';
import { commitFor } from '../../commit.ts';
import { UsageError } from '../../failure.ts';
import { fields, shortHash, when } from '../../output/text.ts';

export const buildCreate = command({
  name: 'build create',
  summary: 'record what is to be built of a commit; the same again gives the same build',
  options: {
    ref: text('<ref>', 'branch, tag or commit'),
    manifestHash: text('<hash>', 'the synced manifest; not needed with --repo-dir, nor when it was synced'),
    services: list('<names>', 'only these services, separated by commas'),
    repoDir: text('<path>', 'take the commit from this working copy: its manifest is synced, the commit uploaded'),
    tag: text('<tag>', 'one more tag for the images'),
    platforms: list('<platforms>', 'such as linux/amd64,linux/arm64'),
    buildArg: each('<NAME=value>', 'a build argument; may be given several times'),
    timeout: text('<duration>', 'such as 90s, 15m, 1h'),
  },
  examples: [
    'eve build create --ref main --repo-dir .',
    'eve build create --project shop --ref <sha> --manifest-hash <hash> --services api,web',
  ],

  async run(context, { ref, manifestHash, services, repoDir, tag, platforms, buildArg, timeout }) {
    const project = await context.project(repoDir);
    const commit = await commitFor(context, project, { ref, repoDir, manifestHash });
    const inputs = {
      ...(tag && { tag }),
      ...(platforms && { platforms }),
      ...(timeout && { timeout }),
      ...(buildArg && { build_args: Object.fromEntries(buildArg.map(pair)) }),
    };
    const spec = await context.api.createBuild(project, {
      git_sha: commit.sha,
      manifest_hash: commit.manifestHash,
      ...(services && { services }),
      ...(Object.keys(inputs).length > 0 && { inputs }),
    });
    context.answer(spec, () => [
      `Build created: ${spec.id}`,
      ...fields({
        Project: spec.project_id,
        SHA: spec.git_sha,
        Manifest: shortHash(spec.manifest_hash),
        Services: spec.services?.join(', '),
        Created: when(spec.created_at),
      }),
    ]);
    context.say(`Run it: eve build run ${spec.id}`);
  },
});

function pair(text: string): [string, string] {
  const [name = '', ...value] = text.split('=');
  if (value.length === 0) throw new UsageError(`--build-arg must be NAME=value, not "${text}".`);
  return [name, value.join('=')];
}

import { command, flag, number, text } from '../../command.ts';
import { commitFor } from '../../commit.ts';
import { followPipelineRun } from '../../follow/pipeline-run.ts';
import { fields } from '../../output/text.ts';
import { jsonObject } from '../json-object.ts';

export const pipelineRun = command({
  name: 'pipeline run',
  summary: 'start a pipeline for a commit',
  arguments: ['<pipeline>'],
  options: {
    ref: text('<ref>', 'branch, tag or commit'),
    repoDir: text('<path>', 'take the commit from this working copy: nothing needs to be pushed'),
    manifestHash: text('<hash>', 'the synced manifest; not needed with --repo-dir, nor when it was synced'),
    env: text('<env>', 'the environment of its deploy steps'),
    inputs: text('<json>', 'inputs of the pipeline'),
    follow: flag('follow it until it ends; its outcome is the exit code', 'f'),
    wait: flag('the same as --follow'),
    timeout: number('<seconds>', 'stop following after so long; the run goes on'),
  },
  examples: ['eve pipeline run deploy --ref main --env test --follow'],

  async run(context, { ref, repoDir, manifestHash, env, inputs, follow, wait, timeout }, [name]) {
    const given = inputs === undefined ? undefined : jsonObject(inputs, '--inputs');
    const project = await context.project(repoDir);
    const isRelease = given?.release_id !== undefined || given?.release_tag !== undefined;
    const commit =
      isRelease && ref === undefined ? null : await commitFor(context, project, { ref, repoDir, manifestHash });
    const detail = await context.api.startPipelineRun(project, name, {
      ...(commit && { git_sha: commit.sha, manifest_hash: commit.manifestHash }),
      ...(env && { env_name: env }),
      ...(given && { inputs: given }),
    });
    const { run } = detail;
    const started = [
      `Pipeline run started: ${run.id}`,
      ...fields({ Pipeline: run.pipeline_name, Status: run.status, Environment: run.env_name }),
    ];
    if (!follow && !wait) {
      context.answer(detail, () => started);
      context.say(`Follow it: eve pipeline show-run ${run.id} --follow`);
      return undefined;
    }
    started.forEach(context.say);
    return followPipelineRun(context, run.id, project, timeout);
  },
});

import type { DeployAnswer } from '@eve/protocol-rest/contract';
import { command, flag, number, switchedOn, text } from '../../command.ts';
import { commitFor, resolvedRef } from '../../commit.ts';
import type { Context } from '../../context.ts';
import { exitCodes, UsageError } from '../../failure.ts';
import { followDeploy } from '../../follow/deploy.ts';
import { followPipelineRun } from '../../follow/pipeline-run.ts';
import { fields } from '../../output/text.ts';
import { waitsForText } from '../../show/deploy-detail.ts';
import { deployPlanLines } from '../../show/deploy-plan.ts';
import { jsonObject } from '../json-object.ts';

export const envDeploy = command({
  name: 'env deploy',
  summary: 'bring a commit or a release to an environment and follow it until it serves',
  arguments: ['<env>'],
  options: {
    ref: text('<ref>', 'branch, tag or commit'),
    repoDir: text('<path>', 'take the commit from this working copy: nothing needs to be pushed'),
    releaseTag: text('<tag>', 'deploy this release: nothing is built'),
    imageTag: text('<tag>', 'deploy images that are there already, such as local or sha-abc123'),
    direct: flag('deploy what is built already, past the pipeline'),
    inputs: text('<json>', 'inputs of the pipeline; {"release_tag": …} or {"release_id": …} deploys that release'),
    manifestHash: text('<hash>', 'the synced manifest; not needed with --repo-dir, nor when it was synced'),
    strategy: text('<strategy>', 'rolling, blue-green:10m, canary:10@5m,50 …, instead of what the environment says'),
    dryRun: flag('only show what would change, service by service'),
    wait: flag('follow until it serves, the default; the exit code is its outcome'),
    watch: switchedOn('follow until it serves; --watch false returns at once'),
    timeout: number('<seconds>', 'stop following after so long; the deploy goes on'),
    skipPreflight: flag('accepted for older scripts; does nothing'),
  },
  examples: [
    'eve env deploy test --ref main --repo-dir .',
    `eve env deploy staging --inputs '{"release_tag": "v1.0.0"}'`,
    'eve env deploy staging --ref <sha> --direct --image-tag sha-abc123',
    'eve env deploy production --release-tag v1.0.0 --dry-run',
  ],

  async run(context, options, [name]) {
    const { watch, timeout, repoDir, direct, imageTag, strategy, dryRun } = options;
    const inputs = options.inputs === undefined ? undefined : jsonObject(options.inputs, '--inputs');
    const project = await context.project(repoDir);
    const request = {
      ...(await whatToDeploy(context, project, options, inputs)),
      ...(imageTag && { image_tag: imageTag }),
      ...(direct && { direct: true }),
      ...(inputs && { inputs }),
      ...(strategy !== undefined && { strategy }),
    };
    if (dryRun) {
      const plan = await context.api.planDeploy(project, name, request);
      context.answer(plan, () => deployPlanLines(plan));
      return plan.refusals.length > 0 ? exitCodes.conflict : undefined;
    }
    const answer = await context.api.requestDeploy(project, name, request);
    if (!watch) {
      context.answer(answer, () => startedLines(answer));
      return undefined;
    }
    startedLines(answer).forEach(context.say);
    if (answer.pipeline_run) return followPipelineRun(context, answer.pipeline_run.run.id, project, timeout);
    if (!answer.deploy) throw new UsageError(`The server's answer names neither a pipeline run nor a deploy.`);
    return followDeploy(context, answer.deploy, { project, environment: name }, timeout);
  },
});

async function whatToDeploy(
  context: Context,
  project: string,
  options: {
    ref: string | undefined;
    repoDir: string | undefined;
    releaseTag: string | undefined;
    manifestHash: string | undefined;
  },
  inputs: Record<string, unknown> | undefined,
): Promise<{ release_tag?: string; git_sha?: string; manifest_hash?: string }> {
  const { ref, repoDir, releaseTag, manifestHash } = options;
  const isRelease = releaseTag !== undefined || inputs?.release_tag !== undefined || inputs?.release_id !== undefined;
  if (isRelease) {
    return {
      ...(releaseTag !== undefined && { release_tag: releaseTag }),
      // Only compared with the release's own commit.
      ...(ref !== undefined && repoDir === undefined && { git_sha: await resolvedRef(context, project, ref) }),
    };
  }
  if (ref === undefined && repoDir === undefined) {
    throw new UsageError(
      'Say what to deploy: --ref <branch, tag or commit>, --repo-dir <path>, or --release-tag <tag>.',
    );
  }
  const commit = await commitFor(context, project, { ref, repoDir, manifestHash });
  return { git_sha: commit.sha, manifest_hash: commit.manifestHash };
}

function startedLines({ pipeline_run: pipelineRun, environment, release, deploy, revision }: DeployAnswer): string[] {
  if (pipelineRun) {
    const { id, pipeline_name: pipeline, status } = pipelineRun.run;
    return [
      'Pipeline deployment started.',
      ...fields({ 'Pipeline Run': id, Pipeline: pipeline, Status: status, Environment: environment.name }),
    ];
  }
  return [
    'Deployment submitted.',
    ...fields({
      'Deploy ID': deploy?.id,
      'Release ID': release?.id,
      Release: release?.tag,
      Environment: environment.name,
      Revision: revision && `${environment.name}#${revision.number}`,
      Status: deploy?.status,
      'Waits for': deploy && waitsForText(deploy),
      Note: release?.local ? 'images that only this machine has; such a release is not promoted' : null,
    }),
  ];
}

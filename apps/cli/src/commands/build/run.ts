import type { BuildRun } from '@eve/protocol-rest/contract';
import { command, flag, number, text } from '../../command.ts';
import type { Context } from '../../context.ts';
import { exitCodeOfRun, followBuildRun, outcomeOf } from '../../follow/build-run.ts';
import { followed } from '../../follow/detach.ts';
import { pollUntil } from '../../follow/patience.ts';
import { fields } from '../../output/text.ts';
import { waitingText } from '../../show/build.ts';

export const buildRun = command({
  name: 'build run',
  summary: 'start a run of a build',
  arguments: ['<build-id>'],
  options: {
    backend: text('<name>', 'buildx, buildkit or kaniko; the server chooses when left out'),
    force: flag('build anew, also where the images of an equal build could be reused'),
    follow: flag('show what it prints until it ends', 'f'),
    wait: flag('wait until it ends'),
    timeout: number('<seconds>', 'stop following or waiting after so long; the run goes on'),
  },
  examples: ['eve build run bld_… --follow'],

  async run(context, { backend, force, follow, wait, timeout }, [given]) {
    const { api } = context;
    const buildId = force ? await forcedBuild(context, given) : given;
    // The server knows its engines and says which there are.
    const run = await api.startBuildRun(buildId, backend ? { backend: backend as 'buildx' } : {});
    if (follow) return followBuildRun(context, run, {}, timeout);
    if (wait) return waitForRun(context, run, timeout);
    context.answer(run, () => [
      `Build run started: ${run.id}`,
      ...fields({
        Build: run.build_id,
        Status: run.status,
        Backend: run.backend,
        Waiting: waitingText(run.waiting),
        Reused: run.reused_from,
      }),
    ]);
    if (run.completed_at === null) context.say(`Follow it: eve build logs ${run.build_id} --follow`);
    return undefined;
  },
});

/** The same build with the input that forbids reuse; inputs never change, so it is one of its own. */
async function forcedBuild({ api, say }: Context, buildId: string): Promise<string> {
  const spec = await api.getBuild(buildId);
  if (spec.inputs?.force_rebuild || spec.git_sha === null || spec.manifest_hash === null) return buildId;
  const forced = await api.createBuild(spec.project_id, {
    git_sha: spec.git_sha,
    manifest_hash: spec.manifest_hash,
    services: spec.services,
    inputs: { ...spec.inputs, force_rebuild: true },
    // What the server printed is what it takes.
    registry: spec.registry as 'eve' | null,
    cache: spec.cache,
  });
  say(`Build that is never reused: ${forced.id}`);
  return forced.id;
}

async function waitForRun(context: Context, run: BuildRun, timeoutSeconds: number | undefined): Promise<number> {
  const wayBack = {
    what: `build run ${run.id}`,
    follow: `eve build logs ${run.build_id} --run ${run.id} --follow`,
    cancel: `eve build cancel ${run.build_id}`,
  };
  return followed(
    context,
    () => wayBack,
    timeoutSeconds,
    async (signal) => {
      const ended = await pollUntil(
        () => context.api.getBuildRun(run.build_id, run.id),
        ({ completed_at: at }) => at !== null,
        { signal },
      );
      context.answer(ended, () => [
        outcomeOf(ended),
        ...(ended.error_message ? [`  Error: ${ended.error_message.split('\n')[0]}`] : []),
      ]);
      return exitCodeOfRun(ended.status);
    },
  );
}

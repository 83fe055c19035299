import { command, flag, number, text } from '../../command.ts';
import type { Context } from '../../context.ts';
import { UsageError } from '../../failure.ts';
import { followBuildRun, waitForRun } from '../../follow/build-run.ts';
import { fields } from '../../output/text.ts';
import { circumstances } from '../../show/build-run.ts';

export const buildRun = command({
  name: 'build run',
  summary: 'start a run of a build',
  arguments: ['<build-id>'],
  options: {
    backend: text('<name>', 'buildx, buildkit or kaniko; the server chooses when left out'),
    priority: text('<n>', 'among the builds of the organisation: higher first, -100 to 100, 0 unless given'),
    force: flag('build anew without any cache: a build of its own with another id, which is printed'),
    follow: flag('show what it prints until it ends', 'f'),
    wait: flag('wait until it ends'),
    timeout: number('<seconds>', 'stop following or waiting after so long; the run goes on'),
  },
  examples: [
    'eve build run bld_… --follow',
    'eve build run bld_… --wait --timeout 600',
    'eve build run bld_… --priority 10',
  ],

  async run(context, { backend, priority, force, follow, wait, timeout }, [given]) {
    const { api } = context;
    const buildId = force ? await forcedBuild(context, given) : given;
    // The server knows its engines and says which there are.
    const run = await api.startBuildRun(buildId, {
      ...(backend && { backend: backend as 'buildx' }),
      ...(priority !== undefined && { priority: wholeNumber(priority) }),
    });
    if (follow) return followBuildRun(context, run, {}, timeout);
    if (wait) return waitForRun(context, run, timeout);
    context.answer(run, () => [
      `Build run started: ${run.id}`,
      ...fields({
        Build: run.build_id,
        Status: run.status,
        Backend: run.backend,
        ...circumstances(run),
      }),
    ]);
    if (run.completed_at === null) context.say(`Follow it: eve build logs ${run.build_id} --follow`);
    return undefined;
  },
});

function wholeNumber(text: string): number {
  if (/^-?\d{1,9}$/.test(text)) return Number(text);
  throw new UsageError(`--priority must be a whole number, not "${text}".`);
}

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

import { command, flag, number, text } from '../../command.ts';
import { followBuildRun, waitForRun } from '../../follow/build-run.ts';
import { fields } from '../../output/text.ts';
import { runState, verificationTable } from '../../show/build-run.ts';

export const buildVerify = command({
  name: 'build verify',
  summary: 'build again without cache and compare the digests with those that were recorded',
  arguments: ['<build-id>'],
  options: {
    run: text('<run-id>', 'the images of this run; the newest completed one when left out'),
    follow: flag('show what it prints until it ends', 'f'),
    wait: flag('wait until it ends; exit code 0 says that every digest is the same'),
    timeout: number('<seconds>', 'stop following or waiting after so long; the run goes on'),
  },
  examples: ['eve build verify bld_… --wait'],

  async run(context, { run, follow, wait, timeout }, [buildId]) {
    // The run's id is what the person typed; the server checks it.
    const started = await context.api.verifyBuild(buildId, run ? { run_id: run as `brun_${string}` } : {});
    if (follow) return followBuildRun(context, started, {}, timeout);
    if (wait) return waitForRun(context, started, timeout);
    context.answer(started, () => [
      `Verification started: ${started.id}`,
      ...fields({ Build: started.build_id, Verifies: started.verifies, Status: runState(started) }),
      ...verificationTable(started),
    ]);
    context.say(`Follow it: eve build logs ${started.build_id} --run ${started.id} --follow`);
    return undefined;
  },
});

import { command, text } from '../../command.ts';
import { runState } from '../../show/build.ts';

export const buildCancel = command({
  name: 'build cancel',
  summary: 'cancel the newest run of a build',
  arguments: ['<build-id>'],
  options: {
    run: text('<run-id>', 'this run instead'),
    reason: text('<text>', 'why, kept with the run'),
  },

  async run({ api, answer }, { run, reason }, [buildId]) {
    // The run's id is what the person typed; the server checks it.
    const cancelled = await api.cancelBuild(buildId, {
      ...(run && { run_id: run as `brun_${string}` }),
      ...(reason && { reason }),
    });
    const done = cancelled.status === 'cancelled';
    answer(cancelled, () => [
      `${done ? 'Build cancelled' : 'Cancelling build'}: ${cancelled.build_id}`,
      `  Run: ${cancelled.id} ${runState(cancelled)}`,
    ]);
  },
});

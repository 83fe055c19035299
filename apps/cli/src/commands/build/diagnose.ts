import { command } from '../../command.ts';
import { diagnosisLines } from '../../show/build.ts';

export const buildDiagnose = command({
  name: 'build diagnose',
  summary: 'show everything about a build: spec, runs, images, the last 30 lines, what went wrong',
  arguments: ['<build-id>'],

  async run({ api, answer, style }, _options, [buildId]) {
    const diagnosis = await api.diagnoseBuild(buildId);
    answer(diagnosis, () => diagnosisLines(diagnosis, style));
  },
});

import { command } from '../../command.ts';
import { diagnosisLines } from '../../show/diagnosis.ts';

export const buildDiagnose = command({
  name: 'build diagnose',
  summary:
    'show everything about a build on one page: what went wrong and where, what changed, steps, the last 30 lines',
  arguments: ['<build-id>'],
  examples: ['eve build diagnose bld_…', 'eve build diagnose bld_… --json | jq .failure'],

  async run({ api, answer, style }, _options, [buildId]) {
    const diagnosis = await api.diagnoseBuild(buildId);
    answer(diagnosis, () => diagnosisLines(diagnosis, style));
  },
});

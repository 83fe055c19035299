import { command } from '../../command.ts';
import { buildFields } from '../../show/build.ts';

export const buildShow = command({
  name: 'build show',
  summary: 'show what a build is made of',
  arguments: ['<build-id>'],

  async run({ api, answer }, _options, [buildId]) {
    const spec = await api.getBuild(buildId);
    answer(spec, () => [`Build: ${spec.id}`, ...buildFields(spec)]);
  },
});

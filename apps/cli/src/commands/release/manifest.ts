import { command } from '../../command.ts';

export const releaseManifest = command({
  name: 'release manifest',
  summary: 'what a release is, as a Kubernetes ConfigMap in YAML',
  arguments: ['<tag|release-id>'],
  examples: ['eve release manifest v1.2.3 > release-manifest.yaml'],

  async run(context, _options, [name]) {
    const yaml = await context.api.releaseManifest(await context.project(), name);
    context.answer({ manifest: yaml }, () => yaml.trimEnd().split('\n'));
  },
});
